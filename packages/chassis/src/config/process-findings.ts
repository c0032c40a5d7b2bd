/**
 * What production does not start with in the parts of the configuration that every service has: databases, listeners,
 * keys and addresses. What a service finds in its own part it contributes as data (`findings` of its definition).
 */
import { statfsSync } from 'node:fs';
import { liesInTheClear } from '@chancery/keys/open-signer';
import { connectionSecurity, isLoopbackHost } from '@chancery/postgres/connection-security';
import { ConfigError } from './config-error.ts';
import type { KeysSection, ListenAddress } from './process-config.ts';
import type { Finding } from './production.ts';
import { Secret } from './secret.ts';

const DATABASE_PROBLEMS = {
	plain: (host: string) => `the connection to ${host} has no TLS; write sslmode=verify-full and sslrootcert=FILE`,
	unverified: (host: string) =>
		`the server ${host} is not verified; write sslmode=verify-full and sslrootcert=FILE, without uselibpqcompat`,
	ambiguous: (host: string) =>
		`sslmode prefer or allow to ${host} may mean no TLS at all; write sslmode=verify-full and sslrootcert=FILE`,
};

/** @throws {ConfigError} when the URL cannot be read */
export function databaseFindings(where: string, url: string | Secret): Finding[] {
	const { security, host } = judge(where, url instanceof Secret ? url.reveal() : url);
	if (security === 'local' || security === 'verified') return [];
	return [{ exception: 'plain-database', where, found: DATABASE_PROBLEMS[security](host) }];
}

function judge(where: string, url: string) {
	try {
		return connectionSecurity(url);
	} catch (error) {
		throw new ConfigError(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
	}
}

/** The listener `admin` is the one that administrates; `probe` says whether the service is ready, and nothing else. */
export function listenerFindings(service: string, listen: Readonly<Record<string, ListenAddress>>): Finding[] {
	return Object.entries(listen).flatMap(([name, { host, tls }]): Finding[] => {
		if (isLoopbackHost(host) || name === 'probe') return [];
		const where = `${service}.listen.${name}`;
		return [
			...(tls ? [] : [{ exception: 'plain-listeners' as const, where, found: `${host} is reached without TLS` }]),
			...(name === 'admin' && tls?.clientCaFile === undefined
				? [
						{
							exception: 'exposed-admin' as const,
							where,
							found: `${host} is not loopback, and clients need no certificate; write tls.clientCaFile, or bind localhost`,
						},
					]
				: []),
		];
	});
}

export async function keyFindings(service: string, keys: KeysSection): Promise<Finding[]> {
	const found = await Promise.all(
		Object.entries(keys).map(async ([name, { uri }]): Promise<Finding[]> => {
			if (!(await liesInTheClear(uri))) return [];
			const where = `${service}.keys.${name}`;
			return [{ exception: 'unencrypted-keys', where, found: 'the key file lies in the clear; encrypt it (PKCS#8)' }];
		}),
	);
	return found.flat();
}

/**
 * For private keys that have no encrypted form, and come from `{ file }` or `{ env }`. What lies in memory only, where
 * systemd and Kubernetes put a secret, is on no disk and in no backup.
 */
export function clearKeyFindings(where: string, { file }: Secret): Finding[] {
	if (file === undefined || liesInMemory(file)) return [];
	const found = 'the private keys lie in the clear on a disk; mount them into memory (LoadCredential, a tmpfs)';
	return [{ exception: 'unencrypted-keys', where, found }];
}

/** Types of statfs(2): tmpfs and ramfs. */
const IN_MEMORY = new Set([0x01021994, 0x858458f6]);

function liesInMemory(file: string): boolean {
	try {
		return IN_MEMORY.has(statfsSync(file).type);
	} catch {
		return false;
	}
}

/** For the address under which clients reach a service. */
export function publicUrlFindings(where: string, url: string): Finding[] {
	return isPlain(url) ? [{ exception: 'plain-urls', where, found: `${url} is not https` }] : [];
}

/** For an address that credentials are sent to. */
export function callFindings(where: string, url: string): Finding[] {
	if (!isPlain(url) || isLoopbackHost(new URL(url).hostname)) return [];
	return [{ exception: 'plain-calls', where, found: `${new URL(url).host} is sent credentials without https` }];
}

/** For the subjects of the certificates that a service is configured with. */
export function subjectFindings(where: string, subjects: readonly string[]): Finding[] {
	return subjects
		.filter((subject) => DEVELOPMENT_MARK.test(subject))
		.map((subject) => ({
			exception: 'development-data',
			where,
			found: `the chain holds '${subject}', which is marked as development`,
		}));
}

/** Whoever sets up a development instance puts this word into the subject of its certificates. */
const DEVELOPMENT_MARK = /\bdevelopment\b/i;

export function isPlain(url: string): boolean {
	return new URL(url).protocol !== 'https:';
}

/** For the logs of a database whose rows say that they were made for development. */
export function developmentLogFindings(logIds: readonly string[]): Finding[] {
	return logIds.map((logId) => ({
		exception: 'development-data',
		where: `the log ${logId}`,
		found: 'its row in the database is marked as development',
	}));
}
