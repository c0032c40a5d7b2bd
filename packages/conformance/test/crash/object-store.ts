/**
 * A real S3-compatible server: Versity's gateway over a folder. It honours If-None-Match and If-Match on writes, which is
 * what an export rests on.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@chancery/testkit/free-port';

const START_WITHIN_MS = 20_000;

export const BUCKET = 'tiles';
export const ACCESS_KEY = 'an-access-key';
export const SECRET_KEY = 'a-secret-key-of-the-tests';

export interface ObjectStore {
	readonly endpoint: string;
	end(): Promise<void>;
}

/** Starts it over `folder`, with the bucket in it. */
export async function startObjectStore(path: string, folder: string): Promise<ObjectStore> {
	await mkdir(join(folder, BUCKET), { recursive: true });
	const port = await freePort();
	const endpoint = `http://127.0.0.1:${port}`;
	const child: ChildProcess = spawn(path, ['--quiet', '--port', `127.0.0.1:${port}`, 'posix', folder], {
		stdio: 'ignore',
		env: { PATH: process.env.PATH, ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
	});
	const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
	const deadline = performance.now() + START_WITHIN_MS;
	while (
		!(await fetch(endpoint).then(
			() => true,
			() => false,
		))
	) {
		if (performance.now() > deadline || child.exitCode !== null) throw new Error('the object store does not answer');
		await sleep(50);
	}
	return {
		endpoint,
		end: async () => {
			child.kill('SIGTERM');
			await ended;
		},
	};
}
