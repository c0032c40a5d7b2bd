/** Configuration of the identity provider. */
import { adminSection } from '@chancery/chassis/config/admin-section';
import { ConfigError } from '@chancery/chassis/config/config-error';
import { type Environment, type Secret, secret } from '@chancery/chassis/config/secret';
import { emailAddress } from '@chancery/wire/identity';
import { z } from 'zod';
import { connectorsSchema } from './connectors/connectors.ts';
import { connectorId } from './domain/connector-id.ts';
import { webClientsSchema } from './domain/web-clients.ts';
import type { SigningJwks } from './generate-jwks.ts';
import { machineClientsSchema } from './machines/machine-clients.ts';
import { machineIssuersSchema } from './machines/machine-issuers.ts';
import { brandingSchema } from './pages/branding.ts';

/** The section `identity` of the configuration. */
export function configSchema(env?: Environment) {
	const schema = z.strictObject({
		publicUrl: z
			.url({ protocol: /^https?$/ })
			.transform((url) => url.replace(/\/$/, ''))
			.refine((url) => URL.canParse(url) && new URL(url).origin === url, {
				message: 'expected an origin such as https://id.example.com, without path and trailing slash',
			})
			.describe(
				'Origin under which clients reach this service. The issuer is this plus /auth, byte for byte: changing it later makes the certificate authority refuse all tokens until it is configured with the new one.',
			),
		connectors: connectorsSchema(env)
			.default([])
			.describe(
				'Where people sign in: other identity providers, in the order of their buttons. Register PUBLICURL/auth/callback as redirect URI at each.',
			),
		developmentLogin: z
			.union([z.boolean(), z.literal('with-secret')])
			.default(false)
			.describe(
				'Offers a login page that believes any e-mail address. `true`: whoever reaches the page can sign as anyone, so publicUrl and listener must be on loopback. `with-secret`: whoever also types the developmentSecret.',
			),
		developmentIdentities: z
			.array(emailAddress)
			.max(20)
			.default([])
			.describe('E-mail addresses that have a button each on the page of the development login.'),
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
		machineIssuers: machineIssuersSchema
			.default([])
			.describe(
				'Issuers of CI and workload tokens that are exchanged for tokens of PUBLICURL/machines/NAME. The certificate authority needs an entry for each of these.',
			),
		machineClients: machineClientsSchema(env)
			.default([])
			.describe('Programs that sign with a secret of their own, under an address that stands here.'),
		machineConnectorId: connectorId
			.optional()
			.describe(
				'Who vouches for the machine clients, in tokens and certificates. Without it the issuer itself, PUBLICURL/auth.',
			),
		webClients: webClientsSchema
			.default([])
			.describe(
				'Web pages that sign with the identity of their visitor, each `id` and `redirectUri`: public clients that use PKCE. Codes go to exactly this address, and only pages of its origin may call the token endpoint from a browser. Danger: whoever controls that origin can sign as each of its visitors.',
			),
		tokenLifetimeSeconds: z
			.int()
			.min(30)
			.max(600)
			.default(120)
			.describe(
				'Seconds that a token lives. It is a bearer credential for the certificate authority, so short; but it must outlast the clock skew between the two.',
			),
		auditRetentionDays: z
			.int()
			.min(1)
			.max(3650)
			.default(90)
			.describe('Days for which sign-ins and exchanged tokens stay in the record that operators can list.'),
		branding: brandingSchema().describe(
			'What the pages look like, all of it optional: `name`, `logo` ({ file }, PNG or SVG, at most 64 KiB), `accent` (a colour, or { light, dark }; refused where it cannot be read), `notice` (plain text), `helpUrl`, `privacyUrl`.',
		),
		admin: adminSection,
		signingJwks: secret(env).describe(
			'{ file } or { env } with the private keys: JSON { "auth": [JWK, ...], "ci": [JWK, ...] }. The first RSA key of each signs, or the one whose `nbf` passed last. `chancery identity rotate-key FILE` plans the next one; a changed file is read without a restart.',
		),
		developmentSecret: secret(env)
			.optional()
			.describe(
				'{ file } or { env } with a secret of at least 16 characters whose holders may mint tokens for anyone. Production needs the exception development-login.',
			),
	});
	return schema.refine(
		({ clients, webClients, machineClients }) => {
			const ids = [...clients, ...[...webClients, ...machineClients].map(({ id }) => id)];
			return new Set(ids).size === ids.length;
		},
		{
			message: 'an id stands twice among clients, webClients and machineClients; each kind of client has its own rules',
			path: ['clients'],
		},
	);
}

export type IdentityConfig = z.output<ReturnType<typeof configSchema>>;

const jwks = z.array(z.looseObject({ kty: z.string() }));
/** Of the two issuers; `ci` signs only where there is a development secret. */
const signingJwks = z.strictObject({ auth: jwks, ci: jwks.default([]) });

/**
 * The keys as their source has them now: a file is read again, a variable stays as it was.
 * @throws {ConfigError} without any part of the value
 */
export function readSigningJwksAgain(value: Secret): SigningJwks {
	if (value.file === undefined) return readSigningJwks(value);
	const again = secret().safeParse({ file: value.file });
	if (!again.success)
		throw new ConfigError(`identity.signingJwks: ${again.error.issues[0]?.message ?? 'cannot be read'}`);
	return readSigningJwks(again.data);
}

/**
 * Reads the private keys. What they are good for is checked by whoever opens them.
 * @throws {ConfigError} without any part of the value
 */
export function readSigningJwks(value: Secret): SigningJwks {
	let json: unknown;
	try {
		json = JSON.parse(value.reveal());
	} catch {
		// The message of the parser would quote the text around the mistake.
		throw new ConfigError('identity.signingJwks: expected JSON');
	}
	const parsed = signingJwks.safeParse(json);
	if (!parsed.success) throw new ConfigError('identity.signingJwks: expected { "auth": [JWK, ...], "ci": [JWK, ...] }');
	return parsed.data;
}
