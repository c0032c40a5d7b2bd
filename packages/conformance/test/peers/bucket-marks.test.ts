/** Marks in the buckets of real S3-compatible servers: whether they honour the conditions that a mark rests on. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openConfiguredMark } from '@chancery/chassis/config/mark-section';
import type { Mark } from '@chancery/postgres/mark/mark';
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

it("Versity's gateway honours both, and moves a mark that four write at once only forward", async () => {
	const folder = await mkdtemp(join(tmpdir(), 'bucket-marks-'));
	cleanups.push(() => rm(folder, { recursive: true }));
	const store = await startObjectStore(inject('peers').versitygw, folder);
	cleanups.push(() => store.end());
	const open = () =>
		openConfiguredMark(
			'log',
			{
				markBucket: {
					endpoint: store.endpoint,
					bucket: BUCKET,
					prefix: 'company/marks',
					region: 'us-east-1',
					accessKeyId: concealed(ACCESS_KEY),
					secretAccessKey: concealed(SECRET_KEY),
				},
			},
			'rekor-v2/log.example:443',
		);
	const writers = Array.from({ length: 4 }, open);
	let largest = 0;
	await Promise.all(
		writers.map(async (mark, number) => {
			for (let step = 0; step < 15; step++) {
				const next = ((await mark.read())?.size ?? 0) + 1 + number;
				const root = await mark.advance(markAt(next)).then(
					() => next,
					(error: Error) => error,
				);
				if (root instanceof Error) throw root;
				largest = Math.max(largest, next);
				expect((await mark.read())?.size).toBeGreaterThanOrEqual(next);
			}
		}),
	);
	expect(await open().read()).toEqual(markAt(largest));
	await writers[0]?.probe?.();
});
