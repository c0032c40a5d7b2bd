/** Keycloak as a provider of identities: a realm with people, and our identity service as its client. Over plain HTTP on loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from '@chancery/testkit/free-port';
import { expect, vi } from 'vitest';
import type { Upstream } from '../upstream.ts';

export const CLIENT = { id: 'chancery', secret: 'a secret of the tests' };
export const PASSWORD = 'correct horse battery staple';
/** It compiles itself when it starts for the first time. */
const READY_WITHIN = { timeout: 900_000, interval: 500 };

export interface KeycloakPerson {
	readonly email: string;
	readonly emailVerified: boolean;
}

/** @param program `bin/kc.sh` of a distribution, which is copied: it writes into its own folder */
export async function placeKeycloak(program: string, people: readonly KeycloakPerson[]): Promise<Upstream> {
	const port = await freePort();
	const origin = `http://localhost:${port}`;
	const issuer = `${origin}/realms/people`;
	const folder = await mkdtemp(join(tmpdir(), 'chancery-keycloak-'));
	let running: ChildProcess | undefined;
	return {
		issuer,
		async start(redirectUri) {
			await cp(dirname(dirname(program)), folder, { recursive: true });
			await mkdir(join(folder, 'data/import'), { recursive: true });
			await writeFile(join(folder, 'data/import/people.json'), JSON.stringify(realmOf(people, redirectUri)));
			const address = ['--hostname', origin, '--http-host', '127.0.0.1', '--http-port', String(port)];
			// A group of its own, which its scripts and Java end with.
			running = spawn(join(folder, 'bin/kc.sh'), ['start-dev', '--import-realm', ...address], {
				stdio: 'ignore',
				detached: true,
			});
			const discovery = `${issuer}/.well-known/openid-configuration`;
			await vi.waitFor(async () => expect((await fetch(discovery)).status).toBe(200), READY_WITHIN);
		},
		async stop() {
			if (running?.pid !== undefined && running.exitCode === null) {
				process.kill(-running.pid, 'SIGKILL');
				await once(running, 'exit');
			}
			await rm(folder, { recursive: true, force: true });
		},
	};
}

function realmOf(people: readonly KeycloakPerson[], redirectUri: string): object {
	return {
		realm: 'people',
		enabled: true,
		users: people.map((person) => ({
			username: person.email,
			...person,
			enabled: true,
			firstName: 'Somebody',
			lastName: 'There',
			credentials: [{ type: 'password', value: PASSWORD, temporary: false }],
		})),
		clients: [
			{
				clientId: CLIENT.id,
				secret: CLIENT.secret,
				redirectUris: [redirectUri],
				attributes: { 'pkce.code.challenge.method': 'S256' },
			},
		],
	};
}
