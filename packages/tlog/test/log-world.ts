/**
 * A log with everything around it: a database of its own, keys, a mark, a clock. And an audit that believes nothing: it
 * reads the tables directly and rebuilds the tree.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import type { AdoptableMarkStore, Mark, MarkInspection } from '@chancery/postgres/mark/mark';
import { MarkError } from '@chancery/postgres/mark/mark';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import type { Admitted, NewEntry } from '../src/entry.ts';
import { createLog } from '../src/log/create-log.ts';
import { type Log, type OpenLogOptions, openLog } from '../src/log/log.ts';
import type { LogIdentity } from '../src/log-identity.ts';
import { migrateTlog } from '../src/migrate.ts';
import type { SearchKey } from '../src/search-key.ts';
import { NaiveTree, naiveLeafHash } from './naive-tree.ts';
import { identityOf, isSigned, makeReceipt, type SignedHead, signStatement } from './statement.ts';

export const SCHEMA = 'engine';

const { privateKey } = generateKeyPairSync('ed25519');

/** For a process of its own that writes to the same log. */
export const KEY_PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

export const IDENTITY: LogIdentity = identityOf(privateKey);

/** A mark that several replicas share, as an object store with conditional writes would be. */
export class SharedMark implements AdoptableMarkStore {
	mark: Mark | undefined;
	failing: string | undefined;

	async read(): Promise<Mark | undefined> {
		if (this.failing) throw new MarkError(this.failing);
		return this.mark;
	}

	async advance(mark: Mark): Promise<void> {
		if (this.failing) throw new MarkError(this.failing);
		if (this.mark && this.mark.size === mark.size && !same(this.mark.root, mark.root)) throw new MarkError('fork');
		if (!this.mark || mark.size > this.mark.size) this.mark = mark;
	}

	async replace(mark: Mark): Promise<void> {
		this.mark = mark;
	}

	async inspect(): Promise<MarkInspection> {
		const mark = await this.read();
		return { where: 'shared', mark, holder: undefined, obstacle: undefined, folder: undefined, clockMs: undefined };
	}
}

export async function signHead(head: SignedHead): Promise<Uint8Array> {
	return signStatement(head, privateKey);
}

export interface World {
	readonly url: string;
	readonly mark: SharedMark;
	readonly database: Database;
	/**
	 * Opens one more replica with connections of its own. With `drivesBothClocks` the clock of the test stands for that of
	 * the database as well: the two are one, as on a single host.
	 */
	open(options?: Partial<OpenLogOptions> & { drivesBothClocks?: boolean }): Promise<Replica>;
	end(): Promise<void>;
}

export interface Replica {
	readonly log: Log;
	readonly database: Database;
	close(): Promise<void>;
}

export async function createWorld(identity: LogIdentity = IDENTITY): Promise<World> {
	const test: TestDatabase = await createTestDatabase();
	await migrateTlog(test.database, SCHEMA);
	await createLog(test.database, SCHEMA, identity);
	const mark = new SharedMark();
	const replicas = new Set<Replica>();
	return {
		url: test.url,
		mark,
		database: test.database,
		async open({ drivesBothClocks: sharesClock = false, ...options } = {}) {
			const pool = { url: test.url, applicationName: 'replica', maxConnections: 4, sharesClock };
			const database = options.database ?? openDatabase(pool);
			const log = await openLog({
				database,
				schema: SCHEMA,
				identity,
				mark,
				clock: Date.now,
				signHead,
				signReceipt: async (entry) => makeReceipt(entry),
				...options,
			});
			const replica = {
				log,
				database,
				async close() {
					if (!replicas.delete(replica)) return;
					await log.close();
					await database.close();
				},
			};
			replicas.add(replica);
			return replica;
		},
		async end() {
			for (const replica of replicas) await replica.close();
			await test.drop();
		},
	};
}

/** An entry whose leaf is a text and whose identity is its hash. */
export function textEntry(text: string, searchKeys: readonly SearchKey[] = []): NewEntry {
	const leaf = new Uint8Array(Buffer.from(text));
	return { identity: digest(leaf), encode: () => ({ leaf, extra: null, searchKeys }) };
}

export function digest(bytes: Uint8Array): Uint8Array {
	return new Uint8Array(createHash('sha256').update(bytes).digest());
}

export function same(a: Uint8Array, b: Uint8Array): boolean {
	return Buffer.compare(a, b) === 0;
}

/** Judges one answer with node:crypto and the naive tree only. Returns what is wrong, undefined when nothing is. */
export function auditAnswer(admitted: Admitted, tree: NaiveTree): string | undefined {
	const { index, leaf, leafHash, publication, proof } = admitted;
	const { size, root, note } = publication;
	if (size > tree.leafHashes.length) return `the checkpoint has ${size} entries, ${tree.leafHashes.length} are stored`;
	if (index >= size) return `the checkpoint of size ${size} does not cover entry ${index}`;
	if (!same(naiveLeafHash(leaf), leafHash)) return 'the leaf hash is not that of the leaf';
	if (!same(tree.leafHashes[index]!, leafHash)) return `entry ${index} is another one`;
	if (!same(tree.root(size), root)) return `the root at size ${size} is wrong`;
	if (!isSigned(publication, note, privateKey)) return 'the checkpoint is not signed';
	const path = tree.path(index, size);
	if (path.length !== proof.length || path.some((hash, i) => !same(hash, proof[i]!))) return 'the proof is wrong';
	return undefined;
}

export interface Audit {
	readonly leaves: readonly string[];
	readonly tree: NaiveTree;
	readonly publishedSize: number;
}

/** Rebuilds the tree from the entries and compares everything else with it. Throws on the first thing that does not fit. */
export async function audit(database: Database, schema = SCHEMA, logId = IDENTITY.logId): Promise<Audit> {
	const entries = await database.query<{ index: number; leaf: Buffer; leaf_hash: Buffer; timestamp_ms: number }>(
		`select index, leaf, leaf_hash, timestamp_ms from ${schema}.tlog_entries where log_id = $1 order by index`,
		[logId],
	);
	const leafHashes = entries.map((entry) => naiveLeafHash(entry.leaf));
	const tree = new NaiveTree(leafHashes);
	const restarts = await database.query<{ size: number; resumed_ms: number }>(
		`select size, resumed_ms from ${schema}.tlog_accepted_leads where log_id = $1`,
		[logId],
	);
	entries.forEach((entry, i) => {
		demand(entry.index === i, `index ${i} is ${entry.index}`);
		demand(same(entry.leaf_hash, leafHashes[i]!), `leaf hash ${i}`);
		const restart = restarts.find(({ size }) => size === i);
		const earliest = restart ? restart.resumed_ms : (entries[i - 1]?.timestamp_ms ?? 0);
		demand(earliest <= entry.timestamp_ms, `time goes back at ${i}`);
	});
	const [head] = await database.query<{ size: number; root: Buffer }>(
		`select size, root from ${schema}.tlog_heads where log_id = $1`,
		[logId],
	);
	demand(head?.size === entries.length, `the head says ${head?.size}, there are ${entries.length} entries`);
	demand(same(head!.root, tree.root(entries.length)), 'the root of the head');

	const [published] = await database.query<{ size: number; root: Buffer; timestamp_ms: number; note: Buffer }>(
		`select size, root, timestamp_ms, note from ${schema}.tlog_published where log_id = $1`,
		[logId],
	);
	const publishedSize = published?.size ?? 0;
	if (published) {
		demand(same(published.root, tree.root(publishedSize)), 'the published root');
		const signed = { size: published.size, root: published.root, timestampMs: published.timestamp_ms };
		demand(isSigned(signed, published.note, privateKey), 'the published signature');
	}
	const receipts = await database.query<{ index: number }>(
		`select index from ${schema}.tlog_receipts where log_id = $1 order by index`,
		[logId],
	);
	demand(
		receipts.length === publishedSize && receipts.every((receipt, i) => receipt.index === i),
		`${receipts.length} receipts for ${publishedSize} published entries`,
	);
	const identities = await database.query<{ n: number; distinct_n: number }>(
		`select count(*)::int as n, count(distinct identity)::int as distinct_n
		from ${schema}.tlog_identities where log_id = $1`,
		[logId],
	);
	demand(identities[0]?.n === entries.length && identities[0]?.distinct_n === entries.length, 'the identities');
	const tiles = await database.query<{ level: number; index: number; hashes: Buffer; root: Buffer }>(
		`select level, index, hashes, root from ${schema}.tlog_tiles where log_id = $1 order by level, index`,
		[logId],
	);
	let expectedTiles = 0;
	for (let n = Math.floor(entries.length / 256); n > 0; n = Math.floor(n / 256)) expectedTiles += n;
	demand(tiles.length === expectedTiles, `${tiles.length} tiles, expected ${expectedTiles}`);
	for (const row of tiles) {
		demand(same(row.hashes, tree.tile(row.level, row.index, 256)), `tile ${row.level}/${row.index}`);
		const span = 256 ** (row.level + 1);
		demand(
			same(row.root, tree.root((row.index + 1) * span, row.index * span)),
			`root of tile ${row.level}/${row.index}`,
		);
	}
	return { leaves: entries.map((entry) => entry.leaf.toString()), tree, publishedSize };
}

function demand(holds: boolean, what: string): asserts holds {
	if (!holds) throw new Error(`audit: ${what}`);
}
