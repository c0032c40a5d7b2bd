/**
 * Why a provider did not sign somebody in: one code for each reason, whatever library or provider said it. Nothing that a
 * provider does is a fault of ours, so none of these is a 500.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { ChanceryError } from '@chancery/core/chancery-error';
import { explainTlsFailure } from '@chancery/net/tls-failure';
import { errors as jose } from 'jose';
import * as client from 'openid-client';

/** What the person at the page reads. `name` is that of the button. */
const SENTENCES = {
	'upstream-unavailable': (name) => `${name} does not answer now. Try again in a moment.`,
	'upstream-untrusted': (name) =>
		`The certificate of ${name} is not trusted here, so nothing was sent there. Tell whoever runs this page.`,
	'upstream-misconfigured': (name) =>
		`${name} and this page are not set up for each other. Tell whoever runs this page.`,
	'upstream-refused': (name) => `${name} did not sign you in, or you cancelled there.`,
	'upstream-code-refused': (name) => `${name} has ended this sign-in.`,
	'upstream-invalid': (name) => `${name} sent an answer that cannot be read. Tell whoever runs this page.`,
	'upstream-token-invalid': (name) => `${name} sent a token that is not valid. Tell whoever runs this page.`,
	'upstream-subject-invalid': (name) => `${name} does not say which account signed in. Tell whoever runs this page.`,
	'upstream-subject-changed': (name) =>
		`${name} names accounts in another form than it is known to. Tell whoever runs this page.`,
	'upstream-no-email': (name) => `${name} gives no e-mail address of this account that can be signed with.`,
	'upstream-email-unverified': (name) =>
		`${name} has not verified the e-mail address of this account. Verify it there, then start again.`,
	'upstream-not-allowed': (name) => `This account of ${name} may not sign in here.`,
	overloaded: (name) => `Too many people are signing in with ${name} now. Try again in a moment.`,
} as const satisfies Readonly<Record<string, (name: string) => string>>;

export type UpstreamCode =
	| 'upstream-unavailable'
	| 'upstream-untrusted'
	| 'upstream-misconfigured'
	| 'upstream-refused'
	| 'upstream-code-refused'
	| 'upstream-invalid'
	| 'upstream-token-invalid'
	| 'upstream-subject-invalid'
	| 'upstream-subject-changed'
	| 'upstream-no-email'
	| 'upstream-email-unverified'
	| 'upstream-not-allowed'
	| 'overloaded';

/** What is thrown inside a connector: the message is for the log, and may be the provider's own words. */
export class UpstreamFailure extends ChanceryError<UpstreamCode> {
	readonly retryAfterSeconds: number | undefined;

	constructor(code: UpstreamCode, words: string, options: { retryAfterSeconds?: number; cause?: unknown } = {}) {
		super(code, words, options.cause === undefined ? undefined : { cause: options.cause });
		this.retryAfterSeconds = options.retryAfterSeconds;
	}
}

/** What a connector throws: words for the person, and beside them those for the log. */
export class UpstreamLoginError extends DomainError {
	readonly connectorId: string;
	/** Why, in the provider's own words where it said any; without tokens, codes and secrets. */
	readonly words: string;

	constructor(
		connector: { readonly id: string; readonly name: string },
		{ code, retryAfterSeconds }: UpstreamFailure,
		words: string,
	) {
		super(code, SENTENCES[code](connector.name), retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
		this.connectorId = connector.id;
		this.words = words;
	}
}

/** What a provider says in the redirect (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6) and at its token endpoint (section 5.2). */
const CODES: ReadonlyMap<string, UpstreamCode> = new Map([
	['access_denied', 'upstream-refused'],
	['login_required', 'upstream-refused'],
	['consent_required', 'upstream-refused'],
	['interaction_required', 'upstream-refused'],
	['account_selection_required', 'upstream-refused'],
	['unverified_user_email', 'upstream-refused'],
	['server_error', 'upstream-unavailable'],
	['temporarily_unavailable', 'upstream-unavailable'],
	['slow_down', 'upstream-unavailable'],
	['invalid_grant', 'upstream-code-refused'],
	['bad_verification_code', 'upstream-code-refused'],
	['invalid_client', 'upstream-misconfigured'],
	['unauthorized_client', 'upstream-misconfigured'],
	['incorrect_client_credentials', 'upstream-misconfigured'],
	['application_suspended', 'upstream-misconfigured'],
	['redirect_uri_mismatch', 'upstream-misconfigured'],
	['invalid_request', 'upstream-misconfigured'],
	['invalid_scope', 'upstream-misconfigured'],
	['unsupported_grant_type', 'upstream-misconfigured'],
	['unsupported_response_type', 'upstream-misconfigured'],
	['request_not_supported', 'upstream-misconfigured'],
]);

/** What openid-client found wrong with an answer. */
const LIBRARY_CODES: ReadonlyMap<unknown, UpstreamCode> = new Map([
	['OAUTH_JWT_CLAIM_COMPARISON_FAILED', 'upstream-token-invalid'],
	['OAUTH_JWT_TIMESTAMP_CHECK_FAILED', 'upstream-token-invalid'],
	['OAUTH_TIMEOUT', 'upstream-unavailable'],
]);

const MAX_WORDS = 300;
/** Whoever answers with a code of a letter must not blacken every word. */
const MIN_SECRET_CHARS = 4;
const MAX_CAUSES = 8;

/** The failure that `error` is. `host` is the provider's, for words about TLS. */
export function failureOf(error: unknown, host: string): UpstreamFailure {
	for (const at of causesOf(error)) {
		if (at instanceof UpstreamFailure) return at;
		if (at instanceof client.AuthorizationResponseError || at instanceof client.ResponseBodyError)
			return said(at.error, at.error_description, at);
		if (at instanceof jose.JOSEError) return ofJose(at);
		const code = LIBRARY_CODES.get((at as { code?: unknown }).code);
		if (code !== undefined) return new UpstreamFailure(code, wordsOf(error), { cause: error });
	}
	const tls = explainTlsFailure(error, host);
	if (tls !== undefined) return new UpstreamFailure('upstream-untrusted', tls, { cause: error });
	const words = wordsOf(error);
	return new UpstreamFailure(ofLibrary(words), words, { cause: error });
}

/** The library has one code for everything that it cannot read; its words tell an ID token from the answer that it came in. */
function ofLibrary(words: string): UpstreamCode {
	if (/JWT "sub"/.test(words)) return 'upstream-subject-invalid';
	return /\b(JWT|JWS|ID Token|id_token)\b/.test(words) ? 'upstream-token-invalid' : 'upstream-invalid';
}

/** `error` and `error_description` of the provider. */
export function said(error: string, description: string | undefined, cause?: unknown): UpstreamFailure {
	const code = CODES.get(error) ?? 'upstream-invalid';
	return new UpstreamFailure(code, description === undefined ? error : `${error}: ${description}`, { cause });
}

/** What jose found wrong with the token itself; everything else is about the key set. */
const ABOUT_THE_TOKEN = /^ERR_(JW[ST]_|JWKS_NO_MATCHING_KEY|JWKS_MULTIPLE_MATCHING_KEYS|JOSE_ALG_NOT_ALLOWED)/;

function ofJose(error: jose.JOSEError): UpstreamFailure {
	const isLate = error instanceof jose.JWKSTimeout;
	const code = isLate
		? 'upstream-unavailable'
		: ABOUT_THE_TOKEN.test(error.code)
			? 'upstream-token-invalid'
			: 'upstream-invalid';
	return new UpstreamFailure(code, error.message, { cause: error });
}

/** As a line of the log: bounded, without control characters and without what only one sign-in may know. */
export function loggedWords(words: string, secrets: readonly string[]): string {
	// First the control characters: a secret with one in its middle would be the secret without.
	let safe = words.replaceAll(/\p{C}+/gu, ' ');
	for (const secret of secrets)
		if (secret.length >= MIN_SECRET_CHARS)
			for (const spelling of spellingsOf(secret)) safe = safe.replaceAll(spelling, '[secret]');
	return safe.slice(0, MAX_WORDS);
}

/** As requests carry it: a provider that does not understand one may repeat it as it came. */
function spellingsOf(secret: string): string[] {
	const form = new URLSearchParams({ a: secret }).toString().slice('a='.length);
	const url = encodeURIComponent(secret.toWellFormed());
	return [secret, form, form.replaceAll('+', '%20'), url, JSON.stringify(secret).slice(1, -1)];
}

function wordsOf(error: unknown): string {
	const messages = [...causesOf(error)].map(({ message }) => message);
	return [...new Set(messages)].filter(Boolean).join(': ') || 'unknown error';
}

function* causesOf(error: unknown): Generator<Error> {
	let at = error;
	for (let depth = 0; depth < MAX_CAUSES && at instanceof Error; depth++) {
		yield at;
		at = at.cause;
	}
}
