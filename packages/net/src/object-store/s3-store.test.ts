import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type BucketServer, startBucket } from '@chancery/testkit/bucket-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ObjectStoreError } from './object-store-error.ts';
import type { S3Target } from './s3-requests.ts';
import { openS3Store } from './s3-store.ts';

/** No fault. */
const OK = 200;
const concealed = (value: string) => ({ reveal: () => value });
const bytes = (text: string) => new TextEncoder().encode(text);

let bucket: BucketServer;
let target: S3Target;
beforeEach(async () => {
	bucket = await startBucket();
	target = {
		endpoint: bucket.endpoint,
		bucket: 'tiles',
		prefix: 'logs/one',
		region: 'region',
		accessKeyId: concealed('key'),
		secretAccessKey: concealed('a secret'),
	};
});
afterEach(() => bucket.close());

it('keeps objects under the prefix, immutable but for the checkpoint', async () => {
	const store = openS3Store(target);
	await store.open();
	expect(await store.create('tile/0/000', bytes('hashes'))).toBe('created');
	expect(await store.swapCheckpoint(bytes('note'), undefined)).toBe(true);
	const kept = [...bucket.objects].map(([path, { cacheControl }]) => [path, cacheControl]);
	expect(kept).toEqual([
		['/tiles/logs/one/conditional-writes', 'public, max-age=31536000, immutable'],
		['/tiles/logs/one/tile/0/000', 'public, max-age=31536000, immutable'],
		['/tiles/logs/one/checkpoint', 'no-cache'],
	]);
});

describe('a server', () => {
	it('that is busy or loses answers is asked again, and a write that was done before is the same write', async () => {
		const store = openS3Store(target);
		await store.open();
		bucket.faults.push(503, 0, OK, 500, 429, OK);
		// The answer to the first write got lost; the second finds it done.
		expect(await store.create('tile/0/000', bytes('hashes'))).toBe('exists');
		expect(await store.read('tile/0/000')).toEqual(bytes('hashes'));
		expect(bucket.faults).toEqual([]);
	});

	it('that stays away is named, with the request and without the key', async () => {
		bucket.faults.push(503, 503, 503, 503);
		const failure = await openS3Store(target)
			.open()
			.catch((error: unknown) => String(error));
		expect(failure).toMatch(/PUT conditional-writes at bucket tiles\/logs\/one .* 503 \(Tested: as the test wishes\)/);
		expect(failure).not.toMatch(/secret/);
	});

	it('that answers what HTTP does not know is described in one line', async () => {
		const server = createServer((socket) => {
			socket.once('data', () => socket.end('HTTP/1.1 004 Not Found\r\nContent-Length: 0\r\n\r\n'));
		});
		server.listen(0, '127.0.0.1');
		await once(server, 'listening');
		const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		const failure = await openS3Store({ ...target, endpoint }, 1)
			.readCheckpoint()
			.catch((error: unknown) => error);
		server.close();
		expect(failure).toBeInstanceOf(ObjectStoreError);
		expect((failure as Error).message).toMatch(/^GET checkpoint at bucket .* got no answer: .+$/);
	});

	it('that refuses is not asked again', async () => {
		bucket.faults.push(403);
		await expect(openS3Store(target).open()).rejects.toThrow(/was answered 403/);
		expect(bucket.requests).toBe(1);
	});

	it('that ignores conditions is refused before anything is exported', async () => {
		bucket.ignoresConditions = true;
		await expect(openS3Store(target).open()).rejects.toThrow(/does not refuse conditional writes/);
		expect([...bucket.objects.keys()]).toEqual(['/tiles/logs/one/conditional-writes']);
	});

	it('that redirects elsewhere does not get our credentials there', async () => {
		bucket.faults.push(307);
		await expect(openS3Store(target).open()).rejects.toThrow(/was answered 307/);
	});
});

it('swaps the checkpoint that was seen and no other', async () => {
	const store = openS3Store(target);
	await store.open();
	expect(await store.swapCheckpoint(bytes('one'), undefined)).toBe(true);
	expect(await store.swapCheckpoint(bytes('again'), undefined)).toBe(false);
	const seen = await store.readCheckpoint();
	expect(await store.swapCheckpoint(bytes('two'), seen)).toBe(true);
	expect(await store.swapCheckpoint(bytes('three'), seen)).toBe(false);
	bucket.objects.delete('/tiles/logs/one/checkpoint');
	expect(await store.swapCheckpoint(bytes('four'), seen)).toBe(false);
	expect(await store.readCheckpoint()).toBeUndefined();
});

it('knows which objects are there', async () => {
	const store = openS3Store(target);
	await store.create('tile/0/000', bytes('a'));
	expect([await store.has('tile/0/000'), await store.has('tile/0/001')]).toEqual([true, false]);
	expect(await store.read('tile/0/001')).toBeUndefined();
});
