/** Exported logs in the eyes of Tessera's fsck, in a folder and in a real S3-compatible store. */
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, expect, inject, it } from 'vitest';
import { campaign, expectDamageNoticed, expectWhole, KILLS } from '../crash/export-campaign.ts';
import { bucketPlace, folderPlace } from '../crash/export-places.ts';
import { openFsck } from '../crash/fsck.ts';
import { startObjectStore } from '../crash/object-store.ts';
import { createTestbed, type Testbed } from '../crash/testbed.ts';

const cleanups: (() => Promise<unknown>)[] = [];
const defer = (clean: () => Promise<unknown>) => void cleanups.push(clean);
afterEach(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean();
});

const fsckOf = ({ folder, reader }: Testbed, key = reader.keys.v2) =>
	openFsck(inject('peers')['tessera fsck'], folder, key);

it(`a folder is whole after ${KILLS} kills, and what is damaged in it is noticed by both judges`, async () => {
	const testbed = await createTestbed();
	defer(() => testbed.remove());
	const root = join(testbed.folder, 'export');
	const exported = await campaign({ testbed, place: folderPlace(root), replicas: 1, defer });
	// A judge that cannot complain would prove nothing: with another key it has to.
	const stranger = await fsckOf(testbed, generateKeyPairSync('ed25519').publicKey);
	expect(await stranger(`file://${root}/v2`)).toMatchObject({ complaint: expect.any(String) });
	const fsck = await fsckOf(testbed);
	await expectWhole(exported, fsck);
	expect(await fsck(`file://${root}/v2`)).toBe('intact');
	await expectDamageNoticed(exported, root, fsck);
	await expectWhole(exported, fsck);
});

it(`a bucket with two exporters shows whole logs through ${KILLS} kills, and serves them without the database`, async () => {
	const testbed = await createTestbed();
	defer(() => testbed.remove());
	const store = await startObjectStore(inject('peers').versitygw, join(testbed.folder, 'objects'));
	defer(() => store.end());
	const exported = await campaign({ testbed, place: bucketPlace(store.endpoint), replicas: 2, defer });
	await expectWhole(exported, await fsckOf(testbed));
});
