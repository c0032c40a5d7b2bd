import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileKey } from '@chancery/keys/file/file-key';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { migrateSchema } from './store/migrations.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const BEARER = 'the-token-of-the-tuf-service';

let folder: string;
let data: TestDatabase;
const children: ChildProcess[] = [];
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-tuf-main-'));
	for (const name of ['snapshot', 'timestamp']) await createFileKey(join(folder, `${name}.pem`), 'ed25519');
	data = await createTestDatabase();
	await migrateSchema(data.database);
});
afterEach(() => {
	for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
	await data.drop();
	rmSync(folder, { recursive: true });
});

/** Starts the process with this section; returns its log and how it ended. */
function start(changes: object = {}) {
	const config = join(folder, 'config.json');
	const key = (name: string) => ({ uri: `file:${join(folder, `${name}.pem`)}` });
	const section = {
		publicUrl: 'http://tuf.test',
		operator: 'tuf.test',
		services: [{ trustReportUrl: 'http://127.0.0.1:1/admin/v1/trust', bearer: { env: 'TUF_BEARER' } }],
		listen: { public: { host: '127.0.0.1', port: 0 }, admin: { host: '127.0.0.1', port: 0 } },
		keys: { snapshot: key('snapshot'), timestamp: key('timestamp') },
		markFile: join(folder, 'tuf.mark'),
		...changes,
	};
	// JSON is YAML.
	writeFileSync(config, JSON.stringify({ profile: 'development', database: { url: data.url }, tuf: section }));
	const child = spawn(process.execPath, [MAIN, '--config', config], {
		env: { PATH: process.env.PATH, TUF_BEARER: BEARER },
		stdio: ['ignore', 'inherit', 'pipe'],
	});
	children.push(child);
	let log = '';
	child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
		log += chunk;
	});
	const exit = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
	return { child, exit, log: () => log };
}

describe('the service in a process of its own', { timeout: 60_000 }, () => {
	it('answers on both listeners, and stops in order', async () => {
		const { child, exit, log } = start();
		const urls = () => [...log().matchAll(/"url":"([^"]+)"/g)].map(([, url]) => url);
		await expect.poll(() => urls().length, { timeout: 30_000 }).toBe(2);
		const statuses = await Promise.all(urls().map(async (url) => (await fetch(`${url}/healthz`)).status));
		expect(statuses.sort()).toEqual([200, 404]);
		child.kill('SIGTERM');
		expect(await exit).toBe(0);
		expect(log()).not.toContain(BEARER);
	});

	it.each([
		['without its keys', { keys: {} }, /needs the key 'snapshot'/],
		['with a token in the clear', { services: [{ trustReportUrl: 'http://x', bearer: BEARER }] }, /never as its value/],
		['without a mark', { markFile: undefined }, /one of markFile, markDatabase and markBucket is required/],
		['with an unknown field', { operators: 'x' }, /operators/],
	])('does not start %s', async (_what, changes, words) => {
		const { exit, log } = start(changes);
		expect(await exit).toBe(78);
		expect(log()).toMatch(words);
		expect(log()).not.toContain(BEARER);
	});
});
