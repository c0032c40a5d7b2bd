/**
 * The one rule for a whole instance: profile `production` does not start with what belongs on a developer's machine.
 * Whatever is found is refused together, and each finding can be allowed by its name, once, at the top of the
 * configuration file, where everybody who reads the file sees it first.
 */
import { z } from 'zod';
import { ConfigError } from './config-error.ts';
import { nearestTo } from './nearest-key.ts';

/** What may be allowed by name: what it allows, and what the danger is. Names are stable; the README prints this. */
export const EXCEPTIONS = {
	'plain-database': {
		allows: 'a database, or a database of marks, over TCP to another machine without TLS that verifies the server',
		danger: 'whoever is on the way reads the password and every row, and can answer in place of the database',
	},
	'unencrypted-keys': {
		allows: 'files with signing keys that lie in the clear; the key of a TLS listener always may',
		danger: 'whoever copies the disk or a backup of it signs as this service',
	},
	'plain-listeners': {
		allows: 'listeners without TLS that other machines reach, as behind a proxy that speaks TLS',
		danger: 'whoever is between the proxy and the service reads and changes everything, identity tokens included',
	},
	'exposed-admin': {
		allows: 'an admin listener that other machines reach without a client certificate',
		danger: 'a stolen operator token is enough to administrate from anywhere on that network',
	},
	'plain-urls': {
		allows: 'public addresses that are not https',
		danger: 'clients are sent to an address where anybody on the way can answer, and take their identity tokens',
	},
	'plain-calls': {
		allows: 'sending credentials of this service to other machines over plain HTTP',
		danger: 'whoever is on the way has the token, and may use it until it is changed',
	},
	'plain-issuers': {
		allows: 'issuers of identity tokens without https',
		danger: 'whoever is on the way replaces the keys of the issuer, and gets certificates for anyone it may name',
	},
	'global-issuers': {
		allows: 'issuers and connectors that serve the whole world without a claim rule',
		danger: 'everybody with an account there gets certificates',
	},
	'unverified-email': {
		allows: 'e-mail issuers with skipEmailVerification, and connectors that take addresses which nobody verified',
		danger: 'at providers where an address is only typed in, everybody gets certificates for the address of anybody',
	},
	'development-login': {
		allows: 'the development login and development tokens',
		danger: 'whoever reaches the page, or has the secret, signs as anyone',
	},
	'development-data': {
		allows: 'chains, logs and sign-ins that are marked as development',
		danger: 'their keys were made without care and may have been seen by many; nobody should rely on them',
	},
} as const satisfies Record<string, { readonly allows: string; readonly danger: string }>;

export type ExceptionName = keyof typeof EXCEPTIONS;

export type Profile = 'development' | 'production';

/** Something that production does not start with. */
export interface Finding {
	/** The name that would allow it. */
	readonly exception: ExceptionName;
	/** Where it is configured: `log.listen.v1`. */
	readonly where: string;
	/** What was found there, without secrets. */
	readonly found: string;
}

/** The two settings of the instance as a whole. */
export interface InstanceSettings {
	readonly profile: Profile;
	readonly allow: readonly ExceptionName[];
}

const NAMES = Object.keys(EXCEPTIONS) as ExceptionName[];

/** Keys `profile` and `allow` at the top of the file. */
export const instanceSchema = z.strictObject({
	profile: z
		.enum(['development', 'production'])
		.default('production')
		.describe('What the instance is for; holds for all services. `production` refuses what `allow` does not name'),
	allow: z
		.array(z.string(), 'expected a list of names: [plain-urls, plain-calls]')
		.default([])
		.transform((names, context): ExceptionName[] => {
			for (const name of names) {
				if (isException(name)) continue;
				const nearest = nearestTo(name, NAMES);
				const hint = nearest ? `did you mean '${nearest}'?` : `known are: ${NAMES.join(', ')}`;
				context.issues.push({ code: 'custom', message: `unknown exception '${name}'; ${hint}`, input: undefined });
			}
			return names.filter(isException);
		})
		.describe('Exceptions from the rules of production, by name; each has a danger'),
});

/**
 * Lets an instance pass whose findings are all allowed; development passes as it is.
 * @throws {ConfigError} with every finding that is not allowed, and the name that would allow it
 */
export function refuseFindings({ profile, allow }: InstanceSettings, findings: readonly Finding[]): void {
	if (profile === 'development') return;
	const refused = findings.filter(({ exception }) => !allow.includes(exception));
	if (refused.length === 0) return;
	const lines = refused.map(({ exception, where, found }) => `  ${where}: ${found} ('${exception}')`);
	throw new ConfigError(
		`profile production refuses this configuration; mend it, or allow what you mean by its name (allow: [${[...new Set(refused.map(({ exception }) => exception))].join(', ')}]):\n${lines.join('\n')}`,
	);
}

function isException(name: string): name is ExceptionName {
	return Object.hasOwn(EXCEPTIONS, name);
}
