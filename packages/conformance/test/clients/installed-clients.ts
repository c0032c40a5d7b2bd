/**
 * Finds every client of the table and starts two instances for them. A client that cannot be had is named as not run; CI
 * with CLIENTS_REQUIRED fails for it. The pages of docs/clients, which tell readers to install the same, find their
 * clients here too.
 */
import { access, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type FoundPeer, findPeer, orNotRun } from '@chancery/testkit/peers/find-peer';
import { CLIENT_NAMES, CLIENTS, type ClientName, type NpmSource } from '@chancery/testkit/peers/peer-table';
import type { TestProject } from 'vitest/node';
import startInstances from '../judges/instance.ts';

declare module 'vitest' {
	interface ProvidedContext {
		clients: Readonly<Record<ClientName, FoundPeer>>;
	}
}

export default async function startWithClients(project: TestProject): Promise<() => Promise<void>> {
	await provideClients(project);
	return startInstances(project);
}

export async function provideClients(project: TestProject): Promise<void> {
	const found: Partial<Record<ClientName, FoundPeer>> = {};
	for (const name of CLIENT_NAMES) {
		const source = CLIENTS[name];
		found[name] =
			source.from === 'npm' ? await orNotRun(name, source, () => findPackage(source)) : await findPeer(name, source);
	}
	const clients = found as Record<ClientName, FoundPeer>;
	const missing = Object.values(clients).flatMap((client) => ('notRun' in client ? [client.notRun] : []));
	for (const words of missing) process.stderr.write(`${words}\n`);
	if (missing.length > 0 && process.env.CI && process.env.CLIENTS_REQUIRED) {
		throw new Error(`clients that are required here could not be had:\n${missing.join('\n')}`);
	}
	project.provide('clients', clients);
}

/** The folder of a dependency of this package. */
async function findPackage(source: NpmSource): Promise<string> {
	let folder = dirname(createRequire(import.meta.url).resolve(source.package));
	while (!(await isThere(join(folder, 'package.json')))) folder = dirname(folder);
	const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
	if (version !== source.version) throw new Error(`version ${version} is installed`);
	return folder;
}

function isThere(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		() => false,
	);
}
