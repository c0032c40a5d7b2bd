/** How the domain's refusals are told at the token endpoint (RFC 6749 section 5.2, RFC 8693 section 2.2.2). */
import type { DomainError } from '@chancery/chassis/domain-error';
import { TOKEN_ERRORS, TOKEN_SENTENCE } from '@chancery/chassis/tokens/token-errors';
import type { errors, KoaContextWithOIDC } from 'oidc-provider';
import { OIDCProviderError } from 'oidc-provider/lib/helpers/errors.js';
import { IDENTITY_ERRORS } from '../errors.ts';

/** Codes whose OAuth error is not `invalid_request`. */
const OAUTH_ERRORS: ReadonlyMap<string, string> = new Map([['audience-not-allowed', 'invalid_target']]);

const FULCIO_PREFIX = `${TOKEN_SENTENCE}: `;

/** Statuses of what a repeat may find mended: 429 for what any stranger brings about, else 503. */
const STATUSES: ReadonlyMap<string, number> = new Map(
	Object.entries({ ...TOKEN_ERRORS, ...IDENTITY_ERRORS }).map(([code, { status }]) => [code, status]),
);

/**
 * A refusal of a token request. What a repeat may find mended has a status of its own, in the shape of OAuth all the same.
 *
 * A subject token that is invalid for whatever reason is `invalid_request` (RFC 8693 section 2.2.2); the description says why.
 */
export function oauthRefusal(ctx: KoaContextWithOIDC, error: DomainError): errors.OIDCProviderError {
	const description = error.detail.startsWith(FULCIO_PREFIX) ? error.detail.slice(FULCIO_PREFIX.length) : error.detail;
	if (error.retryAfterSeconds !== undefined) {
		ctx.set('retry-after', String(error.retryAfterSeconds));
		return refusal(STATUSES.get(error.code) ?? 503, 'temporarily_unavailable', description, error);
	}
	return refusal(400, OAUTH_ERRORS.get(error.code) ?? 'invalid_request', description, error);
}

/** A refusal with an error code of OAuth. `description` may quote the request. */
export function refusal(
	status: number,
	error: string,
	description: string,
	cause?: DomainError,
): errors.OIDCProviderError {
	const refused = new OIDCProviderError(status, error, cause && { cause, detail: cause.code });
	return Object.assign(refused, {
		// The library would say `server_error` of every status from 500 on.
		expose: true,
		// RFC 6749 section 5.2 allows neither quotation marks nor backslashes.
		error_description: description.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, "'"),
	});
}
