/**
 * An OpenID Connect provider as a client of it sees it. The protocol is by openid-client; what is decided here is which
 * answers are read at all, and what an error says.
 */
import { CallError } from '@chancery/net/call';
import { explainTlsFailure } from '@chancery/net/tls-failure';
import { fetchTransport, ReplyTooLongError } from '@chancery/net/transport';
import { schemaProblem } from '@chancery/wire/schema-problem';
import * as oidc from 'openid-client';
import { z } from 'zod';
import { ClientError } from '../client-error.ts';

export interface IssuerDeps {
	readonly fetch: typeof fetch;
	/** Milliseconds since 1970. */
	readonly clock: () => number;
	/** Ends whatever waits. */
	readonly signal?: AbortSignal;
}

export interface IssuerClient {
	/** URL of the issuer, byte for byte as tokens name it. */
	readonly issuer: string;
	readonly clientId: string;
	/** Absent: the client is public (RFC 6749 section 2.1). */
	readonly clientSecret?: string;
}

/** What tokens for signing need: who it is, and the address that certificates name. */
export const SCOPE = 'openid email';

const TIMEOUT_SECONDS = 20;
/** Discovery documents and key sets of large providers have some ten kB. */
const MAX_REPLY_BYTES = 1024 * 1024;

/**
 * Reads the discovery document (OpenID Connect Discovery 1.0 section 4), whose `issuer` must be the given URL.
 * @throws {ClientError} `issuer-unavailable`
 */
export async function openIssuer(
	{ issuer, clientId, clientSecret }: IssuerClient,
	deps: IssuerDeps,
): Promise<oidc.Configuration> {
	const url = URL.parse(issuer);
	if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '')
		throw new ClientError('issuer-unavailable', `${JSON.stringify(issuer)} is no address of an issuer`);
	const options: oidc.DiscoveryRequestOptions = {
		[oidc.customFetch]: boundedFetch(deps) as oidc.CustomFetch,
		timeout: TIMEOUT_SECONDS,
		// An instance on a laptop has no TLS. The address is given by the user or by the signed configuration.
		execute: url.protocol === 'http:' ? [oidc.allowInsecureRequests] : [],
	};
	const authentication = clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret);
	const configuration = await explained(`the issuer ${issuer}`, 'issuer-unavailable', () =>
		oidc.discovery(url, clientId, undefined, authentication, options),
	);
	const found = configuration.serverMetadata().issuer;
	// The library compares URLs, verifiers of tokens compare bytes: a slash more at the end is another issuer to them.
	if (found !== issuer)
		throw new ClientError('issuer-unavailable', `the issuer ${issuer} calls itself ${printable(found)}`);
	const addresses = endpoints(url.protocol).safeParse(configuration.serverMetadata());
	if (!addresses.success)
		throw new ClientError(
			'issuer-unavailable',
			`the discovery document of ${issuer} cannot be used: ${printable(schemaProblem(addresses.error))}`,
		);
	return configuration;
}

/** Where codes, secrets and questions for keys go: with TLS when the issuer has it. */
function endpoints(protocol: string) {
	const address = z.url({ protocol: protocol === 'https:' ? /^https$/ : /^https?$/ }).max(2048);
	return z.looseObject({
		jwks_uri: address.optional(),
		authorization_endpoint: address.optional(),
		token_endpoint: address.optional(),
		device_authorization_endpoint: address.optional(),
	});
}

/** Reads a JSON document of the issuer, as bounded as every other answer. @throws whatever `fetch` does */
export function boundedFetch({ fetch, signal: outer }: IssuerDeps): typeof globalThis.fetch {
	const send = fetchTransport(fetch);
	return async (input, init = {}) => {
		const { status, headers, bytes } = await send({
			method: init.method ?? 'GET',
			url: new URL(String(input)),
			headers: Object.fromEntries(new Headers(init.headers)),
			...(init.body === undefined || init.body === null ? {} : { body: String(init.body) }),
			timeoutMs: TIMEOUT_SECONDS * 1000,
			maxReplyBytes: MAX_REPLY_BYTES,
			...(outer ? { signal: outer } : {}),
		});
		const isEmpty = [101, 204, 205, 304].includes(status);
		return new Response(isEmpty ? null : Uint8Array.from(bytes), { status, headers });
	};
}

/**
 * Runs a step of a protocol, and says what went wrong in it: the words of the provider where it sent some.
 * @throws {ClientError} with `code`, or `issuer-unavailable` when no usable answer came
 */
export async function explained<T>(
	what: string,
	code: 'issuer-unavailable' | 'login-refused' | 'token-refused',
	step: () => Promise<T>,
): Promise<T> {
	try {
		return await step();
	} catch (cause) {
		if (cause instanceof ClientError) throw cause;
		if (cause instanceof oidc.ResponseBodyError || cause instanceof oidc.AuthorizationResponseError) {
			const words = cause.error_description === undefined ? cause.error : `${cause.error}: ${cause.error_description}`;
			throw new ClientError(code, `${what} refused: ${printable(words)}`, { cause });
		}
		if (cause instanceof oidc.WWWAuthenticateChallengeError) {
			const [{ parameters } = {}] = cause.cause;
			const words = [parameters?.error ?? `status ${cause.status}`, parameters?.error_description];
			throw new ClientError(code, `${what} refused: ${printable(words.filter(Boolean).join(': '))}`, { cause });
		}
		throw new ClientError('issuer-unavailable', `${what} cannot be used: ${reasonOf(cause)}`, { cause });
	}
}

const MAX_CAUSES = 4;

/** The innermost message: outer ones say only that something failed. */
function reasonOf(error: unknown): string {
	let at = error;
	for (let depth = 0; depth < MAX_CAUSES && at instanceof Error && at.cause instanceof Error; depth++) {
		if (at instanceof ReplyTooLongError || at instanceof CallError) break;
		at = at.cause;
	}
	if (!(at instanceof Error)) return printable(String(at));
	if (at.name === 'TimeoutError') return 'no answer in time';
	return printable(explainTlsFailure(at, 'the issuer') ?? (at.message || String((at as { code?: string }).code)));
}

const MAX_WORDS_CHARS = 300;

/** Words of a stranger: bounded, and without what would steer a terminal. */
export function printable(words: string): string {
	return words
		.slice(0, 8 * MAX_WORDS_CHARS)
		.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ')
		.trim()
		.slice(0, MAX_WORDS_CHARS);
}
