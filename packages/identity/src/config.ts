/** Configuration of the identity provider. */
import { adminSection } from '@chancery/chassis/config/admin-section';
import { z } from 'zod';
import { loginSettingsShape } from './login-methods/all.ts';

export const configSchema = z.strictObject({
	publicUrl: z
		.url({ protocol: /^https?$/ })
		.transform((url) => url.replace(/\/$/, ''))
		.refine((url) => URL.canParse(url) && new URL(url).origin === url, {
			message: 'expected an origin such as https://id.example.com, without path and trailing slash',
		})
		.describe(
			'Origin under which clients reach this service. The issuer is this plus /auth, byte for byte: changing it later makes the certificate authority refuse all tokens until it is configured with the new one.',
		),
	...loginSettingsShape,
	clients: z
		.array(
			z
				.string()
				.regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces')
				.max(200),
		)
		.min(1)
		.default(['sigstore'])
		.describe(
			"Ids of the public clients that may ask for tokens; the id becomes the tokens' audience. Sigstore's clients all use sigstore.",
		),
	tokenLifetimeSeconds: z
		.int()
		.min(30)
		.max(600)
		.default(120)
		.describe(
			'Seconds that a token lives. It is a bearer credential for the certificate authority, so short; but it must outlast the clock skew between the two.',
		),
	admin: adminSection,
});

export type IdentityConfig = z.output<typeof configSchema>;
