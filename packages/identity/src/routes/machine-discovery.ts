/** What a verifier reads from the issuers of exchanged tokens: a discovery document each. They share the keys of people's issuer. */
import { DomainError } from '@chancery/chassis/domain-error';
import { mount } from '@chancery/chassis/http/mount';
import { authIssuer, getMachineDiscovery, machineIssuer } from '@chancery/wire/identity';
import type { FastifyInstance } from 'fastify';

const CACHEABLE = { 'cache-control': 'public, max-age=600, must-revalidate', 'access-control-allow-origin': '*' };

/** `names`: of the configured machine issuers. */
export function mountMachineDiscovery(app: FastifyInstance, publicUrl: string, names: readonly string[]): void {
	mount(app, getMachineDiscovery, ({ params: { name } }) => {
		if (!names.includes(name)) throw new DomainError('not-found', 'there is no machine issuer of this name');
		return {
			status: 200,
			headers: CACHEABLE,
			body: {
				issuer: machineIssuer(publicUrl, name),
				token_endpoint: `${authIssuer(publicUrl)}/token`,
				jwks_uri: `${authIssuer(publicUrl)}/keys`,
				subject_types_supported: ['public'],
				response_types_supported: ['id_token'],
				id_token_signing_alg_values_supported: ['RS256'],
				scopes_supported: ['openid'],
			},
		};
	});
}
