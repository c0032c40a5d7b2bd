/** A mark in a bucket, as a service opens it from its section. */
import type { Mark } from '@chancery/postgres/mark/mark';
import { MarkPlaceError } from '@chancery/postgres/mark/mark';
import { type BucketServer, startBucket } from '@chancery/testkit/bucket-server';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { markFields, openConfiguredMark } from './mark-section.ts';

const env = { KEY: 'key', SECRET: 'a secret', URL: 'postgres://host/marks' };
const schema = z.strictObject(markFields('what was published', env));
const markAt = (size: number, fill = size): Mark => ({
	origin: 'log.example',
	keyId: new Uint8Array(32),
	size,
	root: new Uint8Array(32).fill(fill),
	note: new Uint8Array([size]),
});

let server: BucketServer;
beforeEach(async () => {
	server = await startBucket();
});
afterEach(() => server.close());

const open = (name = 'ctlog/[::1]:80/a') =>
	openConfiguredMark(
		'ctlog',
		schema.parse({
			markBucket: {
				endpoint: server.endpoint,
				bucket: 'marks',
				prefix: 'company',
				region: 'region',
				accessKeyId: { env: 'KEY' },
				secretAccessKey: { env: 'SECRET' },
			},
		}),
		name,
	);

it('keeps the largest, for everybody who has it open', async () => {
	const [a, b] = [open(), open()];
	expect(await a.read()).toBeUndefined();
	await Promise.all([a.advance(markAt(3)), b.advance(markAt(7)), a.advance(markAt(5)), b.advance(markAt(6))]);
	expect(await a.read()).toEqual(markAt(7));
	await expect(b.advance(markAt(7, 9))).rejects.toThrow(/has root .* at size 7/);
	await expect(b.advance({ ...markAt(9), keyId: new Uint8Array(32).fill(1) })).rejects.toThrow(
		/belongs to log\.example/,
	);
	await b.replace(markAt(2));
	expect((await a.read())?.size).toBe(2);
	expect([...server.objects.keys()]).toContain('/marks/company/ctlog/~5b~3a~3a1~5d~3a80/a.mark');
	expect(await open('ctlog/other').read()).toBeUndefined();
});

it('is looked at without a write, also by who would first have to prove the store', async () => {
	const empty = await open().inspect();
	expect(empty).toMatchObject({ mark: undefined, obstacle: undefined, folder: undefined });
	expect(server.objects.size).toBe(0);
	await open().advance(markAt(7));
	const objects = new Map(server.objects);
	expect((await open().inspect()).mark).toEqual(markAt(7));
	expect(server.objects).toEqual(objects);
	server.faults.push(500, 500, 500, 500);
	await expect(open().inspect()).rejects.toThrow(/the mark ctlog\S+ in .* cannot be read/);
});

it('takes a write whose answer got lost for what it was, by reading', async () => {
	const mark = open();
	await mark.advance(markAt(1));
	// Read; the write is done and its answer lost, twice; so is the second try of the same request.
	server.faults.push(200, 0, 0);
	await mark.advance(markAt(2));
	expect(await mark.read()).toEqual(markAt(2));
	const before = server.requests;
	await mark.advance(markAt(2));
	// Only looked at.
	expect(server.requests - before).toBe(1);
});

it('says what the store said when it cannot be written, and goes on when it can', async () => {
	const mark = open();
	await mark.advance(markAt(1));
	server.faults.push(200, 403, 200, 403);
	await expect(mark.advance(markAt(2))).rejects.toThrow(/cannot be written: PUT .* was answered 403/);
	expect((await mark.read())?.size).toBe(1);
	await mark.advance(markAt(2));
	server.faults.push(503, 503);
	await expect(mark.probe!()).rejects.toThrow(/cannot be written: PUT writable .* was answered 503/);
	await mark.probe!();
});

it('is refused by name in a store that ignores conditions, and nothing is written over', async () => {
	server.ignored.add('if-match');
	const mark = open();
	for (const use of [() => mark.read(), () => mark.advance(markAt(1))]) {
		await expect(use()).rejects.toThrow(MarkPlaceError);
		await expect(use()).rejects.toThrow(
			/If-Match with another ETag.*Use a store that honours If-Match and If-None-Match/,
		);
	}
	expect([...server.objects.keys()]).toEqual(['/marks/company/conditions']);
});

it('never takes a damaged object for a mark or for none', async () => {
	const mark = open();
	await mark.advance(markAt(1));
	const key = [...server.objects.keys()].find((name) => name.endsWith('.mark'))!;
	const whole = server.objects.get(key)!;
	for (let at = 0; at < whole.bytes.length; at += 11) {
		server.objects.set(key, { ...whole, bytes: whole.bytes.subarray(0, at) });
		await expect(mark.read()).rejects.toThrow(/cannot be made out/);
	}
});

it('is one of three places, and exactly one is asked for', () => {
	expect(() => openConfiguredMark('tsa', schema.parse({}), 'tsa/a')).toThrow(
		'tsa: one of markFile, markDatabase and markBucket is required',
	);
	const two = schema.parse({ markFile: '/a', markDatabase: { env: 'URL' } });
	expect(() => openConfiguredMark('tsa', two, 'tsa/a')).toThrow(/one of markFile, markDatabase and markBucket/);
});
