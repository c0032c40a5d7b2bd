import { type BucketServer, startBucket } from '@chancery/testkit/bucket-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MarkBucket, openMarkBucket } from './mark-bucket.ts';

const concealed = (value: string) => ({ reveal: () => value });
const bytes = (text: string) => new TextEncoder().encode(text);

let server: BucketServer;
let bucket: MarkBucket;
beforeEach(async () => {
	server = await startBucket();
	bucket = openMarkBucket({
		endpoint: server.endpoint,
		bucket: 'marks',
		prefix: 'one',
		region: 'region',
		accessKeyId: concealed('key'),
		secretAccessKey: concealed('a secret'),
	});
});
afterEach(() => server.close());

describe('a store', () => {
	it('that honours both conditions is found to, also by several who ask at once', async () => {
		const answers = await Promise.all([1, 2, 3, 4].map(() => bucket.findIgnoredCondition()));
		expect(answers).toEqual([undefined, undefined, undefined, undefined]);
		expect(await bucket.findIgnoredCondition()).toBeUndefined();
	});

	it.each([
		['If-None-Match', 'none', /although the write says If-None-Match: \*/],
		['If-Match', 'match', /although the write says If-Match with another ETag/],
		['both', 'all', /although the write says If-None-Match: \*/],
	] as const)('that ignores %s is found out', async (_what, ignored, words) => {
		if (ignored === 'all') server.ignoresConditions = true;
		else server.ignored.add(ignored === 'none' ? 'if-none-match' : 'if-match');
		expect(await bucket.findIgnoredCondition()).toMatch(words);
	});

	it('that answers nothing useful is no answer to the question', async () => {
		server.faults.push(404);
		await expect(bucket.findIgnoredCondition()).rejects.toThrow(/was answered 404: is there such a bucket\?/);
		server.faults.push(403);
		await expect(bucket.findIgnoredCondition()).rejects.toThrow(/was answered 403/);
	});
});

it('writes what has not changed since it was read, and nothing else', async () => {
	expect(await bucket.read('mark')).toBeUndefined();
	expect(await bucket.write('mark', bytes('1'), undefined)).toBe(true);
	expect(await bucket.write('mark', bytes('2'), undefined)).toBe(false);
	const seen = await bucket.read('mark');
	expect(await bucket.write('mark', bytes('3'), seen?.version)).toBe(true);
	expect(await bucket.write('mark', bytes('4'), seen?.version)).toBe(false);
	expect((await bucket.read('mark'))?.bytes).toEqual(bytes('3'));
	await bucket.touch('writable');
	expect([...server.objects.keys()]).toEqual(['/marks/one/mark', '/marks/one/writable']);
});
