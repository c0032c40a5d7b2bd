/**
 * All three logs are exported while writers write and the process is killed; then everything but the store is taken
 * away, and what is left is judged. CRASH_EXPORT_KILLS kills per store (12 unless set), CRASH_EXPORT_WRITERS writers (48).
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseLogKey } from '@chancery/client/log-audit/log-key';
import { auditTileLog } from '@chancery/client/log-audit/tile-log-audit';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { expect } from 'vitest';
import { campaignSeed } from './campaign-seed.ts';
import { type ExportPlace, serveExported } from './export-places.ts';
import { shownSize, watchExport } from './export-watcher.ts';
import type { Fsck } from './fsck.ts';
import type { HttpClient } from './http-client.ts';
import { type LogServer, startLogServer } from './log-server.ts';
import type { ProcessPlan } from './process-plan.ts';
import { LOG_NAMES, type LogName } from './proposals.ts';
import { say } from './report.ts';
import { startSharedMarks } from './shared-mark.ts';
import { type Testbed, urlsOf } from './testbed.ts';
import { tilePathOf } from './tile-layout.ts';
import { startWriters } from './writers.ts';

export const KILLS = Number(process.env.CRASH_EXPORT_KILLS ?? 12);
const WRITERS = Number(process.env.CRASH_EXPORT_WRITERS ?? 48);
const CATCH_UP_WITHIN_MS = 60_000;
/** Two full tiles of the v2 log and a beginning. */
const MIN_ENTRIES = 520;
const GROW_WITHIN_MS = 120_000;

/** What is left at the end: a store, and the size that its logs had published. */
export interface Exported {
	readonly testbed: Testbed;
	readonly place: ExportPlace;
	readonly sizes: Readonly<Record<LogName, number>>;
}

/** Runs the log in `replicas` processes that all export to the place, kills them again and again, and ends with the store alone. */
export async function campaign(run: {
	readonly testbed: Testbed;
	readonly place: ExportPlace;
	readonly replicas: number;
	/** Takes what has to be ended after the test, the last first. */
	readonly defer: (clean: () => Promise<unknown>) => void;
}): Promise<Exported> {
	const { testbed, place, replicas, defer } = run;
	const seed = campaignSeed();
	const random = new SeededRandom(`${seed} export`);
	const { client, reader, authority, folder } = testbed;
	const database = await testbed.startDatabase();
	defer(() => database.stop());
	const marks = await startSharedMarks();
	defer(() => marks.close());
	const changes: Partial<ProcessPlan> = { exports: place.exports, sharedMarkUrl: marks.url };
	const plans = [{ ...testbed.plan, ...changes }];
	for (let number = 1; number < replicas; number++) plans.push(await testbed.anotherPlan(`replica-${number}`, changes));
	const servers: LogServer[] = [];
	defer(() => Promise.all(servers.map((server) => server.kill())));
	const start = async (number: number) => {
		const server = await startLogServer(plans[number] as ProcessPlan, folder, place.env);
		servers[number] = server;
		if (!(await server.ready)) throw new Error(`a log process did not start: ${server.lastWords()}`);
	};
	for (const number of plans.keys()) await start(number);
	await testbed.registerAuthority();

	const watcher = watchExport(place);
	defer(() => watcher.stop());
	const writers = plans.map((plan, number) =>
		startWriters({
			urls: urlsOf(plan),
			client,
			reader,
			authority,
			seed: `${seed} ${number}`,
			count: Math.ceil(WRITERS / replicas),
		}),
	);
	defer(async () => writers.forEach((one) => void one.abandon()));
	let audits = 0;
	for (let kills = 0; kills < KILLS; kills++) {
		await sleep(200 + random.below(1500));
		const victim = random.below(replicas);
		await servers[victim]?.kill();
		// What a reader finds at this moment is a whole log, whatever the process was doing.
		for (const log of LOG_NAMES) {
			if ((await shownSize(place.read[log])) === undefined) continue;
			expect(await auditOf(testbed, place, log)).toMatchObject({ count: 0 });
			audits += 1;
		}
		await start(victim);
	}
	// Enough for full tiles, whatever the machine is busy with.
	for (const deadline = performance.now() + GROW_WITHIN_MS; performance.now() < deadline; await sleep(100))
		if ((await publishedSizes(client, plans)).v2 > MIN_ENTRIES) break;
	await Promise.all(writers.map((one) => one.stop()));
	expect(writers.flatMap((one) => one.violations)).toEqual([]);
	const sizes = await publishedSizes(client, plans);
	await caughtUp(place, sizes, servers);
	await watcher.stop();
	expect(watcher.violations).toEqual([]);

	// Nothing is left but the store.
	await Promise.all(servers.map((server) => server.kill()));
	await database.stop();
	say(
		`${KILLS} kills, ${watcher.checkpoints} exported checkpoints seen, ${audits} audits after kills, entries ${JSON.stringify(sizes)}`,
	);
	return { testbed, place, sizes };
}

/** The newest that any replica shows: one may not have looked yet what the others have published. */
async function publishedSizes(client: HttpClient, plans: readonly ProcessPlan[]): Promise<Record<LogName, number>> {
	const text = async (url: string) => (await client.ask(url)).body.toString();
	const newest = { v1: 0, v2: 0, ct: 0 };
	for (const urls of plans.map(urlsOf)) {
		const v1 = JSON.parse(await text(`${urls.v1}/api/v1/log`)) as { treeSize: number };
		const ct = JSON.parse(await text(`${urls.ct}/ct/v1/get-sth`)) as { tree_size: number };
		const v2 = await text(`${urls.v2}/api/v2/checkpoint`);
		newest.v1 = Math.max(newest.v1, v1.treeSize);
		newest.ct = Math.max(newest.ct, ct.tree_size);
		newest.v2 = Math.max(newest.v2, Number(v2.split('\n')[1]));
	}
	return newest;
}

async function caughtUp(
	place: ExportPlace,
	sizes: Record<LogName, number>,
	servers: readonly LogServer[],
): Promise<void> {
	const deadline = performance.now() + CATCH_UP_WITHIN_MS;
	for (const log of LOG_NAMES)
		while ((await shownSize(place.read[log])) !== sizes[log]) {
			if (performance.now() > deadline)
				throw new Error(`${log} is not exported: ${servers.map((server) => server.lastWords()).join('\n')}`);
			await sleep(50);
		}
}

function auditOf({ reader }: Testbed, place: ExportPlace, log: LogName) {
	const pem = reader.keys[log].export({ type: 'spki', format: 'pem' }).toString();
	return auditTileLog({ read: place.read[log], key: parseLogKey(pem) });
}

/** Everything verifies from the store, which any file server can show. `fsck` is the opinion of others, where it is asked. */
export async function expectWhole({ testbed, place, sizes }: Exported, fsck?: Fsck): Promise<void> {
	for (const log of LOG_NAMES)
		expect(await auditOf(testbed, place, log)).toMatchObject({ size: sizes[log], count: 0, findings: [] });
	if (!fsck) return;
	const server = await serveExported(place.read.v2);
	try {
		expect(await fsck(server.url)).toBe('intact');
	} finally {
		await server.close();
	}
}

/** Damages the v2 log in the folder `root` in one place after the other: each is noticed, by `fsck` too where it is asked. */
export async function expectDamageNoticed(
	{ testbed, place, sizes }: Exported,
	root: string,
	fsck?: Fsck,
): Promise<void> {
	expect(sizes.v2).toBeGreaterThan(MIN_ENTRIES);
	const edge = (level: number | 'entries') =>
		tilePathOf(level, Math.ceil(sizes.v2 / (level === 1 ? 65_536 : 256)) - 1, sizes.v2);
	const damages: [path: string, change: (bytes: Buffer) => Buffer | undefined][] = [
		['tile/entries/000', (bytes) => flipped(bytes, 20)],
		['tile/entries/000', (bytes) => bytes.subarray(0, -1)],
		['tile/entries/000', () => undefined],
		[edge('entries'), (bytes) => flipped(bytes, bytes.length - 1)],
		['tile/0/000', (bytes) => flipped(bytes, 4096)],
		['tile/0/000', (bytes) => bytes.subarray(0, -32)],
		['tile/0/000', () => undefined],
		[edge(0), (bytes) => flipped(bytes, 0)],
		[edge(1), (bytes) => flipped(bytes, 31)],
		['checkpoint', (bytes) => flipped(bytes, 12)],
		['checkpoint', (bytes) => flipped(bytes, bytes.length - 20)],
	];
	for (const [path, change] of damages) {
		const file = join(root, 'v2', path);
		const bytes = await readFile(file);
		const damaged = change(bytes);
		await (damaged ? writeFile(file, damaged) : rm(file));
		const report = await auditOf(testbed, place, 'v2');
		expect(report.findings, path).not.toEqual([]);
		if (fsck) expect(await fsck(`file://${root}/v2`), path).not.toBe('intact');
		await writeFile(file, bytes);
	}
}

function flipped(bytes: Buffer, offset: number): Buffer {
	const changed = Buffer.from(bytes);
	changed[offset] = (changed[offset] ?? 0) ^ 1;
	return changed;
}
