/** What a verifier reads from the development issuer of workflow tokens: its discovery document and its keys. */
import { mount } from '@chancery/chassis/http/mount';
import { ciIssuer, getCiDiscovery, getCiKeys } from '@chancery/wire/identity';
import type { FastifyInstance } from 'fastify';
import type { IssuerKeys } from '../domain/issuer-keys.ts';

const CACHEABLE = { 'cache-control': 'public, max-age=600, must-revalidate', 'access-control-allow-origin': '*' };

export function mountCiIssuer(app: FastifyInstance, publicUrl: string, keys: IssuerKeys): void {
	const issuer = ciIssuer(publicUrl);
	mount(app, getCiDiscovery, () => ({
		status: 200,
		headers: CACHEABLE,
		body: {
			issuer,
			jwks_uri: publicUrl + getCiKeys.path,
			subject_types_supported: ['public'],
			response_types_supported: ['id_token'],
			id_token_signing_alg_values_supported: ['RS256'],
			scopes_supported: ['openid'],
		},
	}));
	mount(app, getCiKeys, () => ({ status: 200, headers: CACHEABLE, body: { keys: [...keys.publicJwks] } }));
}
