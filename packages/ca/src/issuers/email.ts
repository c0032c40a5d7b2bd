/**
 * Issuer type `email`: a person (or a mailbox) that an OpenID provider knows by a verified e-mail address.
 */

import { type Claims, requiredClaim } from '@chancery/chassis/tokens/claims';
import { quote } from '@chancery/chassis/tokens/token-errors';
import { emailAddress } from '@chancery/wire/identity';
import { z } from 'zod';
import { refuse } from '../domain/refusal.ts';
import { issuerSettingsShape, issuerType } from './issuer-type.ts';

const configSchema = z.strictObject({
	type: z.literal('email').describe('Issuer type of this entry; decides which other fields it has.'),
	...issuerSettingsShape,
	skipEmailVerification: z
		.boolean()
		.default(false)
		.describe(
			'Accepts tokens without a true `email_verified`. Default false. Danger: at providers where users choose their address, anyone can be anyone.',
		),
});

/** `email_verified` is a boolean in the standard and a string at some providers; anything else is not understood. */
function isVerified(claims: Claims): boolean {
	const value = Object.hasOwn(claims, 'email_verified') ? claims.email_verified : undefined;
	if (value === true || value === 'true' || value === 'True') return true;
	if (value === undefined || value === null || value === false || value === 'false' || value === 'False') return false;
	throw refuse('claim-malformed', `'email_verified' is ${quote(value)}, expected true or false`);
}

export const email = issuerType<typeof configSchema>({
	name: 'email',
	wireName: 'email',
	challengeClaim: 'email',
	certifiedName: 'the verified `email` claim',
	globalHosts: [
		'accounts.google.com',
		'login.microsoftonline.com',
		'appleid.apple.com',
		'github.com',
		'oauth2.sigstore.dev',
		'oauth2.sigstage.dev',
		'issuer.hello.coop',
	],
	configSchema,
	subjectOf(claims, settings) {
		const address = requiredClaim(claims, 'email');
		if (!isVerified(claims) && !settings.skipEmailVerification)
			throw refuse('email-not-verified', `the issuer does not say that ${quote(address)} is verified`);
		if (!emailAddress.safeParse(address).success)
			throw refuse(
				'claim-malformed',
				`'email' is ${quote(address)}, expected an ASCII mailbox such as alice@example.com`,
			);
		return { type: 'email', value: address };
	},
	extensions: () => ({}),
	findings: ({ issuer, skipEmailVerification }) =>
		skipEmailVerification ? [{ exception: 'unverified-email', found: `${issuer} has skipEmailVerification` }] : [],
	wireSettings: ({ skipEmailVerification }) => ({ skipEmailVerification }),
	examples: [
		{
			name: 'a verified address',
			settings: { issuer: 'https://accounts.example.com' },
			claims: {
				iss: 'https://accounts.example.com',
				sub: '110169484474386276334',
				email: 'ada@example.com',
				email_verified: true,
			},
			optionalClaims: ['iss'],
			expect: {
				subject: { type: 'email', value: 'ada@example.com' },
				issuer: 'https://accounts.example.com',
				extensions: {},
			},
		},
		{
			name: 'a broker that names the upstream provider',
			settings: { issuer: 'https://broker.example.com/auth', issuerClaim: '$.federated_claims.connector_id' },
			claims: {
				iss: 'https://broker.example.com/auth',
				sub: 'CgYxMjM0NTYSBmdpdGh1Yg',
				email: 'grace+signing@navy.example',
				email_verified: 'true',
				federated_claims: { connector_id: 'https://github.com/login/oauth', user_id: '123456' },
			},
			optionalClaims: ['iss'],
			expect: {
				subject: { type: 'email', value: 'grace+signing@navy.example' },
				issuer: 'https://github.com/login/oauth',
				extensions: {},
			},
		},
	],
});
