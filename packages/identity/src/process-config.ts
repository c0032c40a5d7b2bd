/** What a process of its own needs beside the section's fields: where the keys and the development secret are. */
import { ConfigError } from '@chancery/chassis/config/config';
import { type Secret, secret } from '@chancery/chassis/config/secret';
import { z } from 'zod';
import { configSchema } from './config.ts';
import type { SigningJwks } from './domain/generate-jwks.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The section `identity` of a configuration file. */
export function processSchema(env?: Environment) {
	return configSchema.extend({
		signingJwks: secret(env).describe(
			'{ file } or { env } with the private keys: JSON { "auth": [JWK, ...], "ci": [JWK, ...] }. The first RSA key of each signs; to rotate, add the next key behind it, wait ten minutes, put it first, and remove the old one when its last token has expired.',
		),
		developmentSecret: secret(env)
			.optional()
			.describe(
				'{ file } or { env } with a secret of at least 16 characters whose holders may mint tokens for anyone. Production needs the exception development-login.',
			),
	});
}

const jwks = z.array(z.looseObject({ kty: z.string() }));
const signingJwks = z.strictObject({ auth: jwks, ci: jwks.default([]) });

/**
 * Reads the private keys. What they are good for is checked by whoever opens them.
 * @throws ConfigError without any part of the value
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
