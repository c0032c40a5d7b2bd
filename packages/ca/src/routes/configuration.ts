/**
 * GET /api/v2/configuration: the issuers whose tokens are accepted, in the order of their URLs.
 */
import { mount } from '@chancery/chassis/http/mount';
import { getConfiguration } from '@chancery/wire/fulcio';
import type { FastifyInstance } from 'fastify';
import type { IssuerSettings } from '../issuers/issuer-type.ts';
import { typeOf } from '../issuers/issuer-types.ts';

export function mountConfiguration(app: FastifyInstance, issuers: readonly IssuerSettings[]): void {
	const described = issuers
		.map((settings) => {
			const type = typeOf(settings.type);
			return {
				issuerUrl: settings.issuer,
				audience: settings.audience,
				challengeClaim: type.challengeClaim,
				spiffeTrustDomain: '',
				issuerType: type.wireName,
				subjectDomain: '',
				skipEmailVerification: false,
				...type.wireSettings?.(settings),
			};
		})
		.sort((a, b) => (a.issuerUrl < b.issuerUrl ? -1 : 1));
	mount(app, getConfiguration, () => ({ status: 200, body: { issuers: described } }));
}
