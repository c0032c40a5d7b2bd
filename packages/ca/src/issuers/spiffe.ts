/**
 * Issuer type `spiffe`: a workload of one SPIFFE trust domain, which shows a JWT-SVID (SPIFFE ID and JWT-SVID
 * specifications). An issuer speaks for its own trust domain alone, whatever its tokens say.
 */
import { requiredClaim } from '@chancery/chassis/tokens/claims';
import { quote } from '@chancery/chassis/tokens/token-errors';
import { z } from 'zod';
import { refuse } from '../domain/refusal.ts';
import { issuerSettingsShape, issuerType } from './issuer-type.ts';

/** A SPIFFE ID (section 2): the trust domain, and a path without empty segments. Nothing in it has two spellings. */
const SPIFFE_ID = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)*)$/;

const configSchema = z.strictObject({
	type: z.literal('spiffe').describe('Issuer type of this entry; decides which other fields it has.'),
	...issuerSettingsShape,
	spiffeTrustDomain: z
		.string()
		.max(255)
		.regex(
			/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/,
			'expected the name of a trust domain such as prod.example.com, without spiffe://',
		)
		.describe(
			'Trust domain of the workloads, such as `prod.example.com`. No default. Tokens of this issuer that name a workload of another domain are refused, subdomains included.',
		),
});

export const spiffe = issuerType<typeof configSchema>({
	name: 'spiffe',
	wireName: 'spiffe',
	challengeClaim: 'sub',
	certifiedName: 'the SPIFFE ID in `sub`',
	globalHosts: [],
	configSchema,
	subjectOf(claims, { spiffeTrustDomain }) {
		const id = requiredClaim(claims, 'sub');
		const [, trustDomain, path = ''] = SPIFFE_ID.exec(id) ?? [];
		if (trustDomain === undefined || path.split('/').some((segment) => segment === '.' || segment === '..'))
			throw refuse('claim-malformed', `'sub' is ${quote(id)}, expected a SPIFFE ID`);
		if (trustDomain !== spiffeTrustDomain)
			throw refuse(
				'claim-malformed',
				`'sub' is ${quote(id)}, of another trust domain than this issuer speaks for, ${quote(spiffeTrustDomain)}`,
			);
		return { type: 'uri', value: id };
	},
	extensions: () => ({}),
	wireSettings: ({ spiffeTrustDomain }) => ({ spiffeTrustDomain }),
	examples: [
		{
			name: 'a workload that signs what it builds',
			settings: { issuer: 'https://spire.example.com', spiffeTrustDomain: 'prod.example.com' },
			claims: {
				iss: 'https://spire.example.com',
				sub: 'spiffe://prod.example.com/ns/build/sa/Release_2.x',
				aud: ['sigstore'],
			},
			optionalClaims: ['iss', 'aud'],
			expect: {
				subject: { type: 'uri', value: 'spiffe://prod.example.com/ns/build/sa/Release_2.x' },
				issuer: 'https://spire.example.com',
				extensions: {},
			},
		},
	],
});
