/**
 * The OpenID Connect issuer of an organization, as far as a certificate authority asks one: discovery and a key. Nobody can
 * log in; a test makes the tokens of those who would have. `openid-provider.ts` is the same with a login.
 */
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';

export interface OpenIdIssuer {
	/** URL, the `iss` of tokens. */
	readonly issuer: string;
	/** What it shows: JSON by the path of its URL. */
	readonly documents: Readonly<Record<string, string>>;
	/** An identity token (JWT) for the audience `sigstore`, an hour long, of someone whose address the issuer has verified. */
	token(email: string): string;
	/** A JWT with exactly these claims, signed by the key that it shows. */
	sign(claims: Readonly<Record<string, unknown>>): string;
}

const TOKEN_SECONDS = 3_600;

/** With a new key. */
export function makeOpenIdIssuer(issuer: string, keyId: string = 'people'): OpenIdIssuer {
	const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const pathname = new URL(issuer).pathname.replace(/\/$/, '');
	const discovery = {
		issuer,
		jwks_uri: `${issuer}/keys`,
		authorization_endpoint: `${issuer}/auth`,
		token_endpoint: `${issuer}/token`,
		userinfo_endpoint: `${issuer}/userinfo`,
		response_types_supported: ['code'],
		code_challenge_methods_supported: ['S256'],
		authorization_response_iss_parameter_supported: true,
		subject_types_supported: ['public'],
		id_token_signing_alg_values_supported: ['RS256'],
	};
	const key = { ...publicKey.export({ format: 'jwk' }), kid: keyId, alg: 'RS256', use: 'sig' };
	const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
	const signClaims = (claims: object) => {
		const signed = `${encode({ alg: 'RS256', kid: keyId, typ: 'JWT' })}.${encode(claims)}`;
		return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
	};
	return {
		issuer,
		documents: {
			[`${pathname}/.well-known/openid-configuration`]: JSON.stringify(discovery),
			[`${pathname}/keys`]: JSON.stringify({ keys: [key] }),
		},
		token(email) {
			const iat = Math.floor(Date.now() / 1000);
			const claims = { iss: issuer, sub: email, aud: 'sigstore', email, email_verified: true, iat };
			return signClaims({ ...claims, exp: iat + TOKEN_SECONDS });
		},
		sign: signClaims,
	};
}

/** Serves what the issuer shows, on the host name and port of its URL, until `close`. @param tls PEM */
export async function serveOpenIdIssuer(
	{ issuer, documents }: Pick<OpenIdIssuer, 'issuer' | 'documents'>,
	tls: { readonly key: Buffer; readonly cert: Buffer },
): Promise<{ close(): Promise<void> }> {
	const { hostname, port } = new URL(issuer);
	const server = createServer(tls, ({ url = '' }, answer) => {
		const document = documents[url];
		answer.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
		answer.end(document ?? '{}');
	});
	await once(server.listen(port === '' ? 443 : Number(port), hostname), 'listening');
	return {
		async close() {
			server.closeAllConnections();
			await once(server.close(), 'close');
		},
	};
}
