/**
 * What a process that serves needs to know beside the sections of its services: database, logging, and per service
 * where to listen and where the keys are.
 */
import { KeyError } from '@chancery/keys/key-error';
import { openSigner } from '@chancery/keys/open-signer';
import type { Signer } from '@chancery/keys/signer';
import { z } from 'zod';
import { ACCESS_LOGS, DEFAULT_ACCESS_LOG } from '../logger.ts';
import { ConfigError } from './config-error.ts';
import { type Environment, secret } from './secret.ts';
import { type TlsFiles, tlsSection } from './tls-section.ts';

/** Where a database is: a URL, or `{ file }` or `{ env }` where the URL is. */
export function postgresUrl(env?: Environment) {
	return z.union([z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgres://'), secret(env)]);
}

/** Section `database`. */
export function databaseSection(env?: Environment) {
	return z.strictObject({
		url: postgresUrl(env).describe(
			'postgres:// URL of the server, or { file } or { env } where it is; a URL with a password belongs there',
		),
		maxConnections: z
			.int()
			.min(1)
			.max(1000)
			.default(10)
			.describe('Connections of this process at most; the server must have room for those of all replicas'),
	});
}

/** Section `logging`. */
export const loggingSection = z.strictObject({
	level: z
		.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
		.default('info')
		.describe('Least severe lines that are written; debug adds a line per request that `access` leaves out'),
	json: z.boolean().default(true).describe('JSON lines for machines (true) or text for people (false)'),
	access: z
		.enum(ACCESS_LOGS)
		.default(DEFAULT_ACCESS_LOG)
		.describe(
			'Requests with a line at level info: all, writes-and-errors (no successful reads), or errors (4xx and 5xx alone). Writes on an admin listener always have one',
		),
});

/** Section `process`. */
export const processSection = z.strictObject({
	drainSeconds: z
		.number()
		.min(0)
		.max(60)
		.default(0)
		.describe(
			'After SIGTERM, for how many seconds everything is still answered while readiness already fails: as long as a load balancer takes to notice. At most five seconds more, and the process is gone; what sends the signal must wait for both. Default 0',
		),
});

/** Key `listen` inside the section of a service: where each of its listeners is bound. */
export const listenSection = z.record(
	z.string(),
	z.strictObject({
		host: z
			.string()
			.min(1)
			.default('localhost')
			.describe('Name or address; localhost binds both loopback addresses. The admin listener belongs on loopback'),
		port: z.int().min(0).max(65_535).describe('TCP port; 0 chooses a free one'),
		tls: tlsSection()
			.optional()
			.describe(
				'Certificate and key with which the listener speaks TLS 1.2 or newer. Absent: plain HTTP, which only loopback or a proxy on the same machine should see',
			),
	}),
);

export interface ListenAddress {
	/** A name or address; `localhost` binds 127.0.0.1 and, where the machine has IPv6, ::1. */
	readonly host: string;
	/** 0 chooses a free port, the same on both addresses. */
	readonly port: number;
	/** Where the certificate and its key are; without, the listener speaks plain HTTP. */
	readonly tls?: TlsFiles | undefined;
}

/** Key `keys` inside the section of a service: its signing keys by name. */
export function keysSection(env?: Environment) {
	return z.record(
		z.string(),
		z.strictObject({
			uri: z
				.string()
				.min(1)
				.describe(
					'Where the key is: file:PATH (encrypted PKCS#8 in production), or pkcs11:token=...;object=...?module-path=PATH (RFC 7512) for an HSM',
				),
			passphrase: secret(env).optional().describe('Unlocks an encrypted key file; { file } or { env }'),
			pin: secret(env)
				.optional()
				.describe('PIN of the token that a pkcs11: key is in; { file } or { env }. One login is tried with it'),
		}),
	);
}

export type KeysSection = z.output<ReturnType<typeof keysSection>>;

/**
 * Opens the key that a service calls `name`; with `requireEncrypted` no file in the clear, whatever it was a moment ago.
 * @throws {ConfigError} when the section names no such key, or a PIN that its token refuses; KeyError when it does not open
 */
export async function openConfiguredKey(
	service: string,
	keys: KeysSection,
	name: string,
	requireEncrypted: boolean,
): Promise<Signer> {
	const key = Object.hasOwn(keys, name) ? keys[name] : undefined;
	if (!key) throw new ConfigError(`${service}.keys.${name}: this service needs the key '${name}'`);
	try {
		return await openSigner(key.uri, {
			requireEncrypted,
			...(key.passphrase ? { passphrase: key.passphrase.reveal() } : {}),
			...(key.pin ? { pin: key.pin.reveal() } : {}),
		});
	} catch (error) {
		// The exit code of a configuration error: a process manager that starts us again and again would lock the token.
		if (error instanceof KeyError && (error.code === 'pin-wrong' || error.code === 'pin-locked'))
			throw new ConfigError(`${service}.keys.${name}.pin: ${error.message}`, { cause: error });
		throw error;
	}
}
