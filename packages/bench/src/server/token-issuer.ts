/** An identity provider for the authority that is measured: discovery and one RSA key, and no one signs in. */
import { createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CaTarget } from '../load/messages.ts';

/** Serves the keys until `close`; whoever has `target` can make tokens. */
export async function startTokenIssuer(): Promise<{
	readonly target: CaTarget['issuer'];
	close(): Promise<void>;
}> {
	const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
	const keyId = randomUUID();
	const key = { ...createPublicKey(privateKey).export({ format: 'jwk' }), kid: keyId, use: 'sig', alg: 'RS256' };
	const server = createServer((request, response) => {
		const documents: Record<string, object> = {
			'/.well-known/openid-configuration': {
				issuer: url,
				jwks_uri: `${url}/keys`,
				authorization_endpoint: `${url}/auth`,
				token_endpoint: `${url}/token`,
				response_types_supported: ['code'],
				subject_types_supported: ['public'],
				id_token_signing_alg_values_supported: ['RS256'],
			},
			'/keys': { keys: [key] },
		};
		const document = documents[request.url ?? ''];
		response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
		response.end(JSON.stringify(document ?? {}));
	});
	const listening = Promise.withResolvers<void>();
	server.listen(0, '127.0.0.1', listening.resolve);
	await listening.promise;
	const url = `http://localhost:${(server.address() as AddressInfo).port}`;
	return {
		target: { url, keyId, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() },
		close: async () => {
			server.closeAllConnections();
			const closed = Promise.withResolvers<void>();
			server.close(() => closed.resolve());
			await closed.promise;
		},
	};
}
