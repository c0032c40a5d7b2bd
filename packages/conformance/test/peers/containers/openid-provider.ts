/** An organization's OpenID provider, as far as a certificate authority asks it, on the loopback of this machine. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';

export interface OpenIdProvider {
	readonly issuer: string;
	/** An identity token of someone whose address it has verified. */
	token(email: string): string;
	close(): Promise<void>;
}

const KEY_ID = 'people';
const TOKEN_SECONDS = 3600;

/** @param tls PEM of the key and the certificate of localhost */
export async function openProvider(port: number, tls: { key: Buffer; cert: Buffer }): Promise<OpenIdProvider> {
	const issuer = `https://localhost:${port}/people`;
	const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const documents: Readonly<Record<string, object>> = {
		'/people/.well-known/openid-configuration': {
			issuer,
			jwks_uri: `${issuer}/keys`,
			authorization_endpoint: `${issuer}/auth`,
			response_types_supported: ['code'],
			subject_types_supported: ['public'],
			id_token_signing_alg_values_supported: ['RS256'],
		},
		'/people/keys': { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'RS256', use: 'sig' }] },
	};
	const server = createServer(tls, ({ url = '' }, answer) => {
		const document = documents[url];
		answer.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' });
		answer.end(JSON.stringify(document ?? {}));
	});
	await once(server.listen(port, 'localhost'), 'listening');
	const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
	return {
		issuer,
		token: (email) => {
			const iat = Math.floor(Date.now() / 1000);
			const claims = { iss: issuer, sub: email, aud: 'sigstore', email, email_verified: true, iat };
			const head = { alg: 'RS256', kid: KEY_ID, typ: 'JWT' };
			const signed = `${encode(head)}.${encode({ ...claims, exp: iat + TOKEN_SECONDS })}`;
			return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
		},
		close: async () => {
			server.closeAllConnections();
			await once(server.close(), 'close');
		},
	};
}
