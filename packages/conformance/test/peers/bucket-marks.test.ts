/** Marks in the buckets of real S3-compatible servers: whether they honour the conditions that a mark rests on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openConfiguredMark } from '@chancery/chassis/config/mark-section';
import { type Mark, MarkPlaceError } from '@chancery/postgres/mark/mark';
import { freePort } from '@chancery/testkit/free-port';
import { afterEach, expect, inject, it } from 'vitest';
import { ACCESS_KEY, BUCKET, SECRET_KEY, startObjectStore } from '../crash/object-store.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean();
});

const concealed = (value: string) => ({ reveal: () => value });
const markAt = (size: number): Mark => ({
	origin: 'log.example',
	keyId: new Uint8Array(32),
	size,
	root: new Uint8Array(32).fill(size % 251),
	note: new TextEncoder().encode(`checkpoint ${size}`),
});

/** Opens the mark as a service does. */
const openIn = (endpoint: string) =>
	openConfiguredMark(
		'log',
		{
			markBucket: {
				endpoint,
				bucket: BUCKET,
				prefix: 'company/marks',
				region: 'us-east-1',
				accessKeyId: concealed(ACCESS_KEY),
				secretAccessKey: concealed(SECRET_KEY),
			},
		},
		'rekor-v2/log.example:443',
	);

/** Starts the S3 server of the peer of this name; returns its endpoint. */
const STORES = {
	versitygw: async () => {
		const folder = await mkdtemp(join(tmpdir(), 'bucket-marks-'));
		cleanups.push(() => rm(folder, { recursive: true }));
		const store = await startObjectStore(inject('peers').versitygw, folder);
		cleanups.push(() => store.end());
		return store.endpoint;
	},
	moto: () => startMoto('moto'),
	'moto 4': () => startMoto('moto 4'),
} as const;

async function startMoto(name: 'moto' | 'moto 4'): Promise<string> {
	const port = await freePort();
	const endpoint = `http://127.0.0.1:${port}`;
	const child = spawn(inject('peers')[name], ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
	const ended = once(child, 'exit');
	cleanups.push(async () => {
		child.kill('SIGKILL');
		await ended;
	});
	const made = () => fetch(`${endpoint}/${BUCKET}`, { method: 'PUT' }).then(({ status }) => status);
	await expect.poll(() => made().catch(() => undefined), { timeout: 60_000 }).toBe(200);
	return endpoint;
}

it.each(['versitygw', 'moto'] as const)(
	'%s honours both, and moves a mark that four write at once only forward',
	async (name) => {
		const endpoint = await STORES[name]();
		const writers = Array.from({ length: 4 }, () => openIn(endpoint));
		let largest = 0;
		await Promise.all(
			writers.map(async (mark, number) => {
				for (let step = 0; step < 15; step++) {
					const next = ((await mark.read())?.size ?? 0) + 1 + number;
					await mark.advance(markAt(next));
					largest = Math.max(largest, next);
					expect((await mark.read())?.size).toBeGreaterThanOrEqual(next);
				}
			}),
		);
		expect(await openIn(endpoint).read()).toEqual(markAt(largest));
		await writers[0]?.probe?.();
	},
);

it('a moto from before it knew conditions ignores them, and no mark is kept there', async () => {
	const mark = openIn(await STORES['moto 4']());
	const words =
		/cannot be kept there: it writes over an object although the write says If-None-Match: \*\. Use a store/;
	await expect(mark.read()).rejects.toThrow(words);
	await expect(mark.advance(markAt(1))).rejects.toBeInstanceOf(MarkPlaceError);
	await expect(mark.probe?.()).rejects.toThrow(words);
});
