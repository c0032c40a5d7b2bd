/**
 * An OpenID provider for the tests: discovery and keys over real HTTP, and tokens of any kind, good and bad.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface SigningKey {
	readonly alg: string;
	readonly kid: string;
	readonly privateKey: CryptoKey;
	readonly jwk: JWK;
}

export interface TokenIssuer {
	readonly url: string;
	/** The key that `mint` signs with. */
	readonly key: SigningKey;
	/** What the issuer publishes; tests change it. */
	published: {
		discovery: Record<string, unknown>;
		keys: JWK[];
		status: number;
		/** Sent as it is instead of the key set. */
		rawKeys?: string;
	};
	/** Paths that were asked for. */
	readonly requests: string[];
	/** A token of this issuer with these claims over the usual ones. */
	mint(
		claims: Record<string, unknown>,
		options?: { key?: SigningKey; header?: Record<string, unknown> },
	): Promise<string>;
	close(): Promise<void>;
}

export async function generateSigningKey(alg: string, kid: string): Promise<SigningKey> {
	const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
	return { alg, kid, privateKey, jwk: { ...(await exportJWK(publicKey)), alg, kid, use: 'sig' } };
}

/** `path` is appended to the origin, as brokers have it. */
export async function startTokenIssuer(clock: () => number, path = ''): Promise<TokenIssuer> {
	const key = await generateSigningKey('ES256', 'first');
	const server = createServer((request, response) => {
		const asked = request.url ?? '';
		issuer.requests.push(asked);
		const { status, discovery, keys, rawKeys } = issuer.published;
		const body = asked.endsWith('/keys') ? (rawKeys ?? JSON.stringify({ keys })) : JSON.stringify(discovery);
		response.writeHead(status, { 'content-type': 'application/json' }).end(body);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
	const issuer: TokenIssuer = {
		url,
		key,
		published: {
			discovery: { issuer: url, jwks_uri: `${url}/keys`, id_token_signing_alg_values_supported: ['ES256'] },
			keys: [key.jwk],
			status: 200,
		},
		requests: [],
		mint(claims, { key: signingKey = key, header = {} } = {}) {
			const now = Math.floor(clock() / 1000);
			return new SignJWT({ iss: url, aud: 'sigstore', sub: 'subject-1', iat: now, exp: now + 60, ...claims })
				.setProtectedHeader({ alg: signingKey.alg, kid: signingKey.kid, ...header })
				.sign(signingKey.privateKey);
		},
		close: () => new Promise((resolve) => server.close(() => resolve())),
	};
	return issuer;
}

/** A compact token from parts that nobody checks. */
export function assembleToken(header: unknown, payload: unknown, signature = ''): string {
	const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
	return `${part(header)}.${part(payload)}.${signature}`;
}
