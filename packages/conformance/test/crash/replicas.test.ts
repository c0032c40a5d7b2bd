/**
 * Three replicas of one log under load, one of which is stopped with the head locked, and its network with it, for
 * CRASH_HOLD_SECONDS (60). None of the others may wait for it, and what it was about to do must not happen.
 */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded/embedded';
import { openDatabase } from '@chancery/postgres/pool';
import { readStoredEntries } from '@chancery/tlog/audit/stored-rows';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isIncluded, leafHashOf, NaiveTree } from './naive-tree.ts';
import { Replica } from './replica.ts';
import { type Answer, statementOf } from './replica-plan.ts';
import { quantiles, say } from './report.ts';
import { readSettings } from './testbed.ts';

const HOLD_MS = Number(process.env.CRASH_HOLD_SECONDS ?? 60) * 1_000;
const LOAD_MS = Number(process.env.CRASH_LOAD_SECONDS ?? 10) * 1_000;
const CLIENTS = Number(process.env.CRASH_CLIENTS ?? 16);
/** What an operator may count on. */
const RESUME_WITHIN_MS = 10_000;

const { privateKey } = generateKeyPairSync('ed25519');

let folder: string;
let server: EmbeddedPostgres;
const replicas: Replica[] = [];
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'replicas-'));
	await chmod(folder, 0o711);
	server = await startEmbedded({ dataDir: join(folder, 'data') });
	for (const name of ['log', 'marks']) await server.createDatabase(name);
	for (const name of ['a', 'b', 'c'])
		replicas.push(
			await Replica.start(folder, server.runtimeDir, {
				name,
				databaseUrl: server.url('log'),
				marksUrl: server.url('marks'),
				keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
				clients: CLIENTS,
				thinkMs: 20,
			}),
		);
});
afterAll(async () => {
	for (const replica of replicas) replica.kill();
	await server?.stop();
	await rm(folder, { recursive: true, force: true });
});

const seconds = (answers: readonly Answer[]) => answers.map(({ sentMs, doneMs }) => (doneMs - sentMs) / 1_000);

it('go on when the one that holds the lock is stopped, and it finds back by itself', async () => {
	const [stopped, ...others] = replicas as [Replica, ...Replica[]];
	const settings = await readSettings(server.url('log'));
	expect(settings).toMatchObject({ fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' });
	await sleep(LOAD_MS);

	// 1. Stopped in a batch, its entries written and not committed.
	stopped.order('hold');
	const { atMs: heldAtMs } = await stopped.says('holding');
	const answeredThen = stopped.answers.length;

	// 2. The others are held up by the lock, and go on when the server takes it from a transaction that idles.
	const resumed: number[] = [];
	for (const other of others) {
		const isAfter = ({ sentMs }: Answer) => sentMs > heldAtMs;
		await other.reaches('answer to what was asked after the stop', () => other.answers.some(isAfter));
		const first = other.answers.find(isAfter) as Answer;
		resumed.push(first.doneMs - heldAtMs);
	}
	for (const delay of resumed) expect(delay).toBeLessThan(RESUME_WITHIN_MS);
	await sleep(Math.max(0, heldAtMs + HOLD_MS - Date.now()));
	const aloneSizes = others.map((other) => other.answers.length);

	// 3. Woken, it sends its COMMIT to a transaction that is gone, learns of it, and takes up its work.
	stopped.wake();
	const { atMs: wokenAtMs } = await stopped.says('woken');
	await stopped.reaches('answer after it was woken', () =>
		stopped.answers.some(({ doneMs, tries }) => doneMs > wokenAtMs && tries === 0),
	);
	const back = stopped.answers.find(({ doneMs }) => doneMs > wokenAtMs) as Answer;
	const complaints = stopped.events.flatMap((event) => (event.kind === 'complaint' ? [event] : []));
	const failed = complaints.find(({ atMs }) => atMs >= wokenAtMs);
	expect(failed?.message).toMatch(/a batch (is tried again|failed).*(COMMIT|idle-in-transaction|terminat)/);
	await sleep(LOAD_MS);
	for (const replica of replicas) replica.order('end');
	const ends = await Promise.all(replicas.map((replica) => replica.says('end')));
	for (const { health } of ends) expect(health).toMatchObject({ writable: true });

	// 4. The judge: the entries as the database has them, against every word of every replica.
	const database = openDatabase({ url: server.url('log'), applicationName: 'judge', maxConnections: 1 });
	const rows = await readStoredEntries(database, 'log', 'shared');
	await database.close();
	const tree = new NaiveTree();
	for (const { leaf } of rows) tree.append(leafHashOf(Buffer.from(leaf)));
	const texts = rows.map(({ leaf }) => new TextDecoder().decode(leaf));
	expect(new Set(texts).size).toBe(texts.length);
	const firsts = new Map<string, number>();
	const signed = new Set<string>();
	for (const { text, index, duplicate, checkpoint, proof } of replicas.flatMap(({ answers }) => answers)) {
		const { size, timestampMs, signature } = checkpoint;
		const root = Buffer.from(checkpoint.root, 'hex');
		expect(texts[index]).toBe(text);
		if (!tree.rootAt(size).equals(root)) throw new Error(`size ${size} has another root`);
		const leafHash = leafHashOf(Buffer.from(text));
		if (!isIncluded({ index, size, leafHash, root, proof: proof.map((hash) => Buffer.from(hash, 'hex')) }))
			throw new Error(`entry ${index} is not proved in the tree of ${size}`);
		if (!duplicate) firsts.set(text, (firsts.get(text) ?? 0) + 1);
		if (signed.has(signature)) continue;
		signed.add(signature);
		const statement = statementOf({ size, root, timestampMs });
		expect(verify(null, statement, createPublicKey(privateKey), Buffer.from(signature, 'hex'))).toBe(true);
	}
	expect([...firsts.values()].every((count) => count === 1)).toBe(true);
	expect(firsts.get('hot')).toBe(1);

	const isUndisturbed = ({ sentMs, doneMs }: Answer) => doneMs < heldAtMs || sentMs > wokenAtMs + RESUME_WITHIN_MS / 4;
	const batches = ends.reduce((sum, end) => sum + end.batches, 0);
	say(`\nthree replicas, ${CLIENTS} clients each; ${rows.length} entries, ${signed.size} checkpoints seen`);
	replicas.forEach((replica, i) => {
		const share = ((100 * (ends[i]?.batches ?? 0)) / batches).toFixed(1);
		const usual = quantiles(seconds(replica.answers.filter(isUndisturbed)));
		say(`  ${replica.name}: ${share} % of ${batches} batches, ${replica.answers.length} answers; undisturbed ${usual}`);
	});
	say(
		`  stopped for ${((wokenAtMs - heldAtMs) / 1_000).toFixed(1)} s with the head locked, after ${answeredThen} answers`,
	);
	say(`  the others answered again after ${resumed.map((ms) => `${(ms / 1_000).toFixed(2)} s`).join(' and ')}`);
	say(
		`  meanwhile they gave ${aloneSizes.join(' and ')} answers; the woken one answered ${back.doneMs - wokenAtMs} ms later`,
	);
	say(`  its COMMIT: ${failed?.message}`);
});
