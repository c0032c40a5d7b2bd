/**
 * A log with everything around it: a database of its own, keys, a mark, a clock. And an audit that believes nothing: it
 * reads the tables directly and rebuilds the tree.
 */
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/postgres/test-database';
import type { Admitted, NewEntry } from '../src/entry.ts';
import { type Log, type OpenLogOptions, openLog } from '../src/log.ts';
import { createLog, type LogIdentity } from '../src/log-identity.ts';
import type { AdoptableMarkStore, Mark } from '../src/mark.ts';
import { MarkError } from '../src/mark.ts';
import { migrateTlog } from '../src/migrate.ts';
import type { SearchKey } from '../src/search-key.ts';
import { naiveLeafHash, naivePath, naiveRoot, naiveTile } from './naive-tree.ts';

export const SCHEMA = 'engine';

const key = generateKeyPairSync('ed25519');

export const IDENTITY: LogIdentity = {
	logId: 'tested',
	origin: 'log.example/tested',
	treeId: null,
	wire: 'rekor-v2',
	codec: 'tlog-tiles',
	publicKey: new Uint8Array(key.publicKey.export({ type: 'spki', format: 'der' })),
	mode: 'development',
};

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
}

/** A statement over a head that anyone can check: the size, the root and the time, signed. */
function statement(head: { size: number; root: Uint8Array; timestampMs: number }): Buffer {
	return Buffer.from(`${head.size} ${Buffer.from(head.root).toString('hex')} ${head.timestampMs}`);
}

export async function signHead(head: { size: number; root: Uint8Array; timestampMs: number }): Promise<Uint8Array> {
	return new Uint8Array(sign(null, statement(head), key.privateKey));
}

let receiptCounter = 0;

/** Not deterministic, like ECDSA: a receipt that is signed twice shows. */
export async function signReceipt(entry: { index: number; timestampMs: number }): Promise<Uint8Array> {
	return new TextEncoder().encode(`${entry.index} ${entry.timestampMs} ${process.pid}.${receiptCounter++}`);
}

export interface World {
	readonly url: string;
	readonly mark: SharedMark;
	readonly database: Database;
	/** Opens one more replica with connections of its own. */
	open(options?: Partial<OpenLogOptions>): Promise<Replica>;
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
		async open(options = {}) {
			const database =
				options.database ?? openDatabase({ url: test.url, applicationName: 'replica', maxConnections: 4 });
			const log = await openLog({
				database,
				schema: SCHEMA,
				identity,
				mark,
				clock: Date.now,
				signHead,
				signReceipt,
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

/** Judges one answer with node:crypto and the naive tree only. `leafHashes` are those of the whole stored log. */
export function auditAnswer(admitted: Admitted, leafHashes: readonly Uint8Array[]): string | undefined {
	const { index, leaf, leafHash, publication, proof } = admitted;
	const tree = leafHashes.slice(0, publication.size);
	if (tree.length !== publication.size)
		return `the checkpoint has ${publication.size} entries, ${tree.length} are stored`;
	if (!same(naiveLeafHash(leaf), leafHash)) return 'the leaf hash is not that of the leaf';
	if (!tree[index] || !same(tree[index], leafHash)) return `entry ${index} is another one`;
	if (!same(naiveRoot(tree), publication.root)) return `the root at size ${publication.size} is wrong`;
	if (!verify(null, statement(publication), key.publicKey, publication.note)) return 'the checkpoint is not signed';
	const path = naivePath(index, tree);
	if (path.length !== proof.length || path.some((hash, i) => !same(hash, proof[i]!))) return 'the proof is wrong';
	return undefined;
}

export interface Audit {
	readonly leaves: readonly string[];
	readonly leafHashes: readonly Uint8Array[];
	readonly publishedSize: number;
}

/** Rebuilds the tree from the entries and compares everything else with it. Throws on the first thing that does not fit. */
export async function audit(database: Database, schema = SCHEMA, logId = IDENTITY.logId): Promise<Audit> {
	const entries = await database.query<{ index: number; leaf: Buffer; leaf_hash: Buffer; timestamp_ms: number }>(
		`select index, leaf, leaf_hash, timestamp_ms from ${schema}.tlog_entries where log_id = $1 order by index`,
		[logId],
	);
	const leafHashes = entries.map((entry) => naiveLeafHash(entry.leaf));
	entries.forEach((entry, i) => {
		demand(entry.index === i, `index ${i} is ${entry.index}`);
		demand(same(entry.leaf_hash, leafHashes[i]!), `leaf hash ${i}`);
		demand(i === 0 || entries[i - 1]!.timestamp_ms <= entry.timestamp_ms, `time goes back at ${i}`);
	});
	const [head] = await database.query<{ size: number; root: Buffer }>(
		`select size, root from ${schema}.tlog_heads where log_id = $1`,
		[logId],
	);
	demand(head?.size === entries.length, `the head says ${head?.size}, there are ${entries.length} entries`);
	demand(same(head!.root, naiveRoot(leafHashes)), 'the root of the head');

	const [published] = await database.query<{ size: number; root: Buffer; timestamp_ms: number; note: Buffer }>(
		`select size, root, timestamp_ms, note from ${schema}.tlog_published where log_id = $1`,
		[logId],
	);
	const publishedSize = published?.size ?? 0;
	if (published) {
		demand(same(published.root, naiveRoot(leafHashes.slice(0, publishedSize))), 'the published root');
		const signed = { size: published.size, root: published.root, timestampMs: published.timestamp_ms };
		demand(verify(null, statement(signed), key.publicKey, published.note), 'the published signature');
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
	for (const tile of tiles) {
		demand(same(tile.hashes, naiveTile(leafHashes, tile.level, tile.index, 256)), `tile ${tile.level}/${tile.index}`);
		const span = 256 ** (tile.level + 1);
		const covered = leafHashes.slice(tile.index * span, (tile.index + 1) * span);
		demand(same(tile.root, naiveRoot(covered)), `root of tile ${tile.level}/${tile.index}`);
	}
	return { leaves: entries.map((entry) => entry.leaf.toString()), leafHashes, publishedSize };
}

function demand(holds: boolean, what: string): asserts holds {
	if (!holds) throw new Error(`audit: ${what}`);
}
