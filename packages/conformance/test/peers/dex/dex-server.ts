/** Dex as a provider of identities: people with passwords in its own list, and our identity service as its client. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@chancery/testkit/free-port';
import { expect, vi } from 'vitest';
import { stringify } from 'yaml';
import type { Upstream } from '../upstream.ts';

export const CLIENT = { id: 'chancery', secret: 'a secret of the tests' };
export const PASSWORD = 'correct horse battery staple';
/** bcrypt of it. */
const PASSWORD_HASH = '$2b$10$ddiHhViOn4TL1hYynf0zn.S77wUh89vfnPcWWbeEuvxyJEcsZeqFa';
const READY_WITHIN = { timeout: 30_000, interval: 50 };

/** @param people addresses, each with {@link PASSWORD} */
export async function placeDex(program: string, people: readonly string[]): Promise<Upstream> {
	const port = await freePort();
	const issuer = `http://localhost:${port}/dex`;
	const file = join(tmpdir(), `chancery-dex-${port}.yaml`);
	let running: ReturnType<typeof spawn> | undefined;
	return {
		issuer,
		async start(redirectUri) {
			const settings = {
				issuer,
				storage: { type: 'memory' },
				web: { http: `127.0.0.1:${port}` },
				enablePasswordDB: true,
				staticPasswords: people.map((email, index) => ({
					email,
					hash: PASSWORD_HASH,
					username: email,
					userID: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
				})),
				staticClients: [{ ...CLIENT, name: 'Chancery', redirectURIs: [redirectUri] }],
			};
			await writeFile(file, stringify(settings), { mode: 0o600 });
			running = spawn(program, ['serve', file], { stdio: 'ignore' });
			const discovery = `${issuer}/.well-known/openid-configuration`;
			await vi.waitFor(async () => expect((await fetch(discovery)).status).toBe(200), READY_WITHIN);
		},
		async stop() {
			if (running?.kill()) await once(running, 'exit');
			running = undefined;
			await rm(file, { force: true });
		},
	};
}
