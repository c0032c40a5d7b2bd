/**
 * Finds Chromium and the clients whose logins are driven, and starts an instance for them. A client that cannot be had is
 * named as not run; CI with CLIENTS_REQUIRED fails for it. Without a browser nothing can be run.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from '@chancery/testkit/browser/chromium';
import { freePortBase } from '@chancery/testkit/free-port';
import { type FoundPeer, findPeer } from '@chancery/testkit/peers/find-peer';
import { CLIENTS, LOGIN_CLIENTS } from '@chancery/testkit/peers/peer-table';
import type { TestProject } from 'vitest/node';
import { end, start } from '../judges/instance.ts';

const SOURCES = {
	'cosign 3': CLIENTS['cosign 3'],
	'sigstore-python': CLIENTS['sigstore-python'],
	...LOGIN_CLIENTS,
};
export type LoginClientName = keyof typeof SOURCES;

declare module 'vitest' {
	interface ProvidedContext {
		loginClients: Readonly<Record<LoginClientName, FoundPeer>>;
	}
}

export default async function prepareLogins(project: TestProject): Promise<() => Promise<void>> {
	findChromium();
	project.provide('loginClients', await findClients());
	const base = await mkdtemp(join(tmpdir(), 'chancery-logins-'));
	// The database server of root runs as another user, who must be able to pass.
	await chmod(base, 0o711);
	const data = join(base, 'instance');
	const running = await start(data, await freePortBase(), []);
	project.provide('instance', data);
	return async () => {
		await end(running);
		await rm(base, { recursive: true, force: true });
	};
}

async function findClients(): Promise<Readonly<Record<LoginClientName, FoundPeer>>> {
	const found: Partial<Record<LoginClientName, FoundPeer>> = {};
	for (const name of Object.keys(SOURCES) as LoginClientName[]) found[name] = await findPeer(name, SOURCES[name]);
	const missing = Object.values(found).flatMap((client) => ('notRun' in client ? [client.notRun] : []));
	for (const words of missing) process.stderr.write(`${words}\n`);
	if (missing.length > 0 && process.env.CI && process.env.CLIENTS_REQUIRED)
		throw new Error(`clients that are required here could not be had:\n${missing.join('\n')}`);
	return found as Record<LoginClientName, FoundPeer>;
}
