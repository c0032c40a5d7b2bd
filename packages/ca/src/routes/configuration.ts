/**
 * GET /api/v2/configuration: the issuers whose tokens are accepted, in the order of their URLs.
 */
import { mount } from '@chancery/chassis/http/mount';
import { getConfiguration } from '@chancery/wire/fulcio';
import type { FastifyInstance } from 'fastify';
import { typeOf } from '../domain/principal.ts';
import type { IssuerSettings } from '../issuers/issuer-type.ts';

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
				skipEmailVerification: 'skipEmailVerification' in settings && settings.skipEmailVerification === true,
			};
		})
		.sort((a, b) => (a.issuerUrl < b.issuerUrl ? -1 : 1));
	mount(app, getConfiguration, () => ({ status: 200, body: { issuers: described } }));
}
