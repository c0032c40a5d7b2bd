/** A log exported to a bucket: the engine's exporter over the object store of the platform. */
import { openS3Store } from '@chancery/net/object-store/s3-store';
import { type BucketServer, startBucket } from '@chancery/testkit/bucket-server';
import { exportTree } from '@chancery/tlog/export/export-tree';
import { ORIGIN, SyntheticLog, shownSize } from '@chancery/tlog/test/synthetic-log';
import { afterEach, beforeEach, expect, it } from 'vitest';

/** No fault. */
const OK = 200;
const concealed = (value: string) => ({ reveal: () => value });
const main = new SyntheticLog(3000);

let bucket: BucketServer;
beforeEach(async () => {
	bucket = await startBucket();
});
afterEach(() => bucket.close());

const open = () =>
	openS3Store({
		endpoint: bucket.endpoint,
		bucket: 'tiles',
		prefix: 'logs/one',
		region: 'region',
		accessKeyId: concealed('key'),
		secretAccessKey: concealed('a secret'),
	});
const read = async (path: string) => bucket.objects.get(`/tiles/logs/one/${path}`)?.bytes;

it('exports a tree under the prefix, immutable but for the checkpoint', async () => {
	main.size = 3000;
	const store = open();
	await store.open();
	await exportTree({ log: main, store, origin: ORIGIN, bundles: 'entries' });
	expect(await shownSize(read, main)).toBe(3000);
	for (const [path, { cacheControl }] of bucket.objects)
		expect([path, cacheControl]).toEqual([
			path,
			path.endsWith('/checkpoint') ? 'no-cache' : 'public, max-age=31536000, immutable',
		]);
});

it('a server that is busy or loses answers is asked again, and its bucket comes out right', async () => {
	main.size = 600;
	const store = open();
	await store.open();
	bucket.faults.push(503, 0, OK, OK, 500, 429, OK, OK, 0, OK, 0, OK, 0);
	await exportTree({ log: main, store, origin: ORIGIN, bundles: 'entries' });
	expect(bucket.faults).toEqual([]);
	expect(await shownSize(read, main)).toBe(600);
});
