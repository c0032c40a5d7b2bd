/** The authority as a process that is killed and started again with another clock; openssl reads the times. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileKey } from '@chancery/keys/file/file-key';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, openssl, opensslOutput } from './authority-fixture.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

let folder: string;
let chainPem: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-tsa-main-'));
	const signer = await createFileKey(join(folder, 'tsa.pem'), 'ecdsa-sha2-256-nistp256');
	// Valid since long before, so that only the mark prevents an earlier time.
	chainPem = (await makeAuthority({ signer, notBefore: new Date(Date.now() - 10 * 86_400_000) })).chain.chainPem;
});
afterEach(() => {
	for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts the process with its clock moved; returns its address, or its log when it does not start. */
async function start(clockMovedMs: number, changes: object = {}) {
	const config = join(folder, 'config.json');
	const section = {
		publicUrl: 'https://tsa.example.com',
		chainPem,
		markFile: join(folder, 'marks', 'tsa.mark'),
		admin: { tokens: [{ name: 'tests', role: 'operator', sha256: createHash('sha256').update('t').digest('hex') }] },
		listen: { public: { host: '127.0.0.1', port: 0 }, admin: { host: '127.0.0.1', port: 0 } },
		keys: { signer: { uri: `file:${join(folder, 'tsa.pem')}` } },
		...changes,
	};
	writeFileSync(config, JSON.stringify({ allow: ['unencrypted-keys'], tsa: section }));
	const moved = `const now = Date.now; Date.now = () => now() + ${clockMovedMs};`;
	const child = spawn(
		process.execPath,
		['--import', `data:text/javascript,${encodeURIComponent(moved)}`, MAIN, '--config', config],
		{
			env: { PATH: process.env.PATH },
			stdio: ['ignore', 'inherit', 'pipe'],
		},
	);
	children.push(child);
	let log = '';
	child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
		log += chunk;
	});
	const url = () => /"listener":"public"[^\n]*"url":"([^"]+)"|"url":"([^"]+)"[^\n]*"listener":"public"/.exec(log);
	const ended = once(child, 'close').then(([code]) => code as number);
	await Promise.race([ended, expect.poll(() => url() !== null, { timeout: 30_000 }).toBe(true)]);
	const [, one, other] = url() ?? [];
	return {
		url: one ?? other ?? '',
		log: () => log,
		ended,
		async kill() {
			child.kill('SIGKILL');
			await ended;
		},
	};
}

async function post(url: string): Promise<Response> {
	return fetch(`${url}/api/v1/timestamp`, {
		method: 'POST',
		headers: { 'content-type': 'application/timestamp-query' },
		body: Buffer.from(opensslOutput(['ts', '-query', '-data', 'd', '-sha256'], { d: 'x' })),
	});
}

/** Unix milliseconds of the token, as openssl prints them. */
async function timeOf(response: Response): Promise<number> {
	expect(response.status).toBe(200);
	const reply = new Uint8Array(await response.arrayBuffer());
	const text = openssl(['ts', '-reply', '-in', 'r', '-text'], { r: reply });
	return Date.parse(/Time stamp: (.*)/.exec(text)![1]!);
}

describe('a timestamp authority that is killed', { timeout: 120_000 }, () => {
	it.each([
		['an hour', 3_600_000],
		['a day', 86_400_000],
	])('gives out no earlier time when its clock was set back by %s meanwhile', async (_what, step) => {
		const first = await start(0);
		const last = await timeOf(await post(first.url));
		await first.kill();
		const second = await start(-step);
		const refused = await post(second.url);
		expect(refused.status).toBe(503);
		expect(refused.headers.get('retry-after')).toBe('60');
		expect(await refused.json()).toMatchObject({
			reason: 'clock-behind',
			message: expect.stringMatching(/the clock is \d+ s behind the last token issued/),
		});
		await second.kill();
		const third = await start(0);
		expect(await timeOf(await post(third.url))).toBeGreaterThanOrEqual(last);
	});

	it('starts beside another process of this host, and not beside another host nor without a mark', async () => {
		await start(0);
		const second = await start(0);
		expect(second.url).toMatch(/^http/);
		// Whole at once: half a record is none, and whoever looks then writes down this host again.
		const record = join(folder, 'marks', 'tsa.mark.host');
		writeFileSync(`${record}.other`, JSON.stringify({ host: 'another boot', process: 12, name: 'node-b' }));
		renameSync(`${record}.other`, record);
		const elsewhere = await start(0);
		expect(await elsewhere.ended).toBe(1);
		expect(elsewhere.log()).toMatch(/in use by process 12 on node-b: that is another host/);
		const third = await start(0, { markFile: undefined });
		expect(await third.ended).toBe(78);
		expect(third.log()).toMatch(/tsa: one of markFile, markDatabase and markBucket is required/);
	});
});
