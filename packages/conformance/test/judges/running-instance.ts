/** What a judge needs to know of a running instance: only what `instance.json` says, and tokens. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { trustAuthorityFile } from '@chancery/net/tls-authorities';
import { inject } from 'vitest';

export const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');

export interface RunningInstance {
	readonly data: string;
	readonly urls: Readonly<Record<'identity' | 'ca' | 'log' | 'log2' | 'ctlog' | 'tsa' | 'tuf', string>>;
	readonly oidcIssuer: string;
	readonly root: { readonly path: string; readonly sha256: string };
	readonly trustedRoot: unknown;
	readonly signingConfig: unknown;
	/** PEM of the authority behind its TLS certificates; undefined over plain HTTP. */
	readonly tlsCa: string | undefined;
	token(email: string, claims?: Record<string, unknown>): Promise<string>;
}

export function openInstance(name: 'instance' | 'foreignInstance'): RunningInstance {
	const data = inject(name);
	const json = JSON.parse(readFileSync(join(data, 'instance.json'), 'utf8'));
	// For what a test asks by itself; clients are told one by one.
	if (json.tlsCa !== undefined) trustAuthorityFile(json.tlsCa, data);
	const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as unknown;
	return {
		data,
		urls: Object.fromEntries(
			Object.entries(json.services as Record<string, { url: string }>).map(([service, { url }]) => [service, url]),
		) as RunningInstance['urls'],
		oidcIssuer: json.oidcIssuer,
		root: json.root,
		tlsCa: json.tlsCa,
		trustedRoot: read(json.trustedRoot),
		signingConfig: read(json.signingConfig),
		token: (email, claims) =>
			chancery('token', '--data', data, '--email', email, ...(claims ? ['--claims', JSON.stringify(claims)] : [])),
	};
}

/** Runs the command; answers what it printed. Rejects with `code` and `stderr` when it refuses. */
export async function chancery(...args: string[]): Promise<string> {
	return (await promisify(execFile)(CHANCERY, args)).stdout.trim();
}
