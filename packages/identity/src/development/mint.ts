/**
 * Development tokens: identity tokens for holders of the instance's own secret. With them, scripts and tests sign without a
 * browser. They exist only where an operator has configured such a secret in a development profile.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { toBase64Url } from '@chancery/core/bytes';
import {
	authIssuer,
	ciIssuer,
	type DevelopmentTokenRequest,
	namesWorkflow,
	SIGSTORE_AUDIENCE,
} from '@chancery/wire/identity';
import { believedAccount, claimsOf } from '../domain/account.ts';
import type { IssuerKeys } from '../domain/issuer-keys.ts';
import { githubClaims } from './github-claims.ts';
import { isDevelopmentSecret } from './secret.ts';

const TOKEN_LIFETIME_SECONDS = 600;
/** GitHub sets the start of validity back, so that a client with a slow clock does not refuse a token. */
const CI_BACKDATE_SECONDS = 600;

/** Claims that only the issuer sets. Given values are dropped, so that a claim set copied from a real token works. */
const ISSUER_CLAIMS = ['iss', 'aud', 'iat', 'nbf', 'exp', 'jti'];

export interface DevelopmentTokens {
	readonly publicUrl: string;
	readonly secret: string;
	readonly auth: IssuerKeys;
	readonly ci: IssuerKeys;
	readonly clock: Clock;
	readonly random: (n: number) => Uint8Array;
}

/**
 * Makes the token that `request` describes: of the person `email`, or of a workflow when the claims name one.
 * `authorization` is the request header of that name.
 * @throws {DomainError} `unauthenticated` when the secret is missing or wrong, `invalid-request` for unusable claims.
 */
export async function mintToken(
	deps: DevelopmentTokens,
	authorization: string | undefined,
	request: DevelopmentTokenRequest,
): Promise<string> {
	checkSecret(deps.secret, authorization);
	const given = withoutIssuerClaims(request.claims ?? {});
	const nowSeconds = Math.floor(deps.clock() / 1000);
	const frame = {
		aud: request.audience ?? SIGSTORE_AUDIENCE,
		iat: nowSeconds,
		exp: nowSeconds + TOKEN_LIFETIME_SECONDS,
		jti: toBase64Url(deps.random(16)),
	};
	if (namesWorkflow(given))
		return deps.ci.signClaims({
			...githubClaims(given),
			...frame,
			nbf: nowSeconds - CI_BACKDATE_SECONDS,
			iss: ciIssuer(deps.publicUrl),
		});
	if (request.email === undefined)
		throw new DomainError('invalid-request', "expected 'email', or claims with 'job_workflow_ref'");
	const iss = authIssuer(deps.publicUrl);
	return deps.auth.signClaims({ ...claimsOf(believedAccount(iss, request.email)), ...given, ...frame, iss });
}

function checkSecret(secret: string, authorization: string | undefined): void {
	const given = /^Bearer +([^\s]+)$/i.exec(authorization ?? '')?.[1] ?? '';
	if (isDevelopmentSecret(secret, given)) return;
	throw new DomainError(
		'unauthenticated',
		"expected 'Authorization: Bearer' with the development secret of this instance",
		{
			headers: { 'www-authenticate': 'Bearer realm="development tokens"' },
		},
	);
}

function withoutIssuerClaims(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
	return Object.fromEntries(Object.entries(claims).filter(([name]) => !ISSUER_CLAIMS.includes(name)));
}
