/** What lies in a folder is a whole log, whatever its exporter meets; `test:peers` judges the same with other people's tools. */
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { campaign, expectDamageNoticed, expectWhole, KILLS } from './export-campaign.ts';
import { folderPlace } from './export-places.ts';
import { createTestbed } from './testbed.ts';

const cleanups: (() => Promise<unknown>)[] = [];
const defer = (clean: () => Promise<unknown>) => void cleanups.push(clean);
afterEach(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean();
});

it(`a folder shows whole logs through ${KILLS} kills, and serves them without the database`, async () => {
	const testbed = await createTestbed();
	defer(() => testbed.remove());
	const root = join(testbed.folder, 'export');
	const exported = await campaign({ testbed, place: folderPlace(root), replicas: 1, defer });
	expect(exported.sizes.ct).toBeGreaterThan(0);
	await expectWhole(exported);
	await expectDamageNoticed(exported, root);
	await expectWhole(exported);
});
