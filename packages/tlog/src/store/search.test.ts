/** Searches in a log where single keys have a hundred thousand entries: right, in pages, and without reading all of them. */
import type { Database, Sql } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrateTlog } from '../migrate.ts';
import { type SearchKey, searchKey } from '../search-key.ts';
import { logTables } from './log-tables.ts';
import { ensurePartitions } from './partitions.ts';
import { type FoundEntries, findWithAll, findWithAny, MAX_EXAMINED_ENTRIES } from './search.ts';

const SIZE = 200_000;
/** PostgreSQL 15 looks at one row more of each key than 18 does. */
const SPARE_ROWS = 10;
const SCHEMA = 'searched';
const LOG_ID = 'searched';
const tables = logTables(SCHEMA, LOG_ID);

/** Every second entry, the entries between them, every entry, three of them, and nothing. */
const EVEN = searchKey('subject', 'even@example.com');
const ODD = searchKey('subject', 'odd@example.com');
const EACH = searchKey('issuer', 'https://issuer.example');
const RARE = searchKey('hash', 'sha256:aa');
const ABSENT = searchKey('hash', 'sha256:bb');
const RARE_INDEXES = [199_998, 100_000, 4];

let test: TestDatabase;
let sql: Database;
beforeAll(async () => {
	test = await createTestDatabase();
	sql = test.database;
	await migrateTlog(sql, SCHEMA);
	await ensurePartitions(sql, tables, SIZE);
	// The leaf hash of an entry tells its index.
	await sql.query(
		`insert into ${SCHEMA}.tlog_entries (log_id, index, timestamp_ms, leaf_hash, leaf)
		select $1, n, 0, int4send(n) || decode(repeat('00', 28), 'hex'), 'x'
		from generate_series(0, $2::int - 1) n`,
		[LOG_ID, SIZE],
	);
	const insert = (key: SearchKey, entries: string) =>
		sql.query(
			`insert into ${SCHEMA}.tlog_search_keys (log_id, kind, key_hash, index)
			select $1, $2, $3, n from ${entries} n`,
			[LOG_ID, key.kind, key.hash],
		);
	await insert(EVEN, `generate_series(0, ${SIZE - 1}, 2)`);
	await insert(ODD, `generate_series(1, ${SIZE - 1}, 2)`);
	await insert(EACH, `generate_series(0, ${SIZE - 1})`);
	await insert(RARE, `unnest(array[${RARE_INDEXES}])`);
	await sql.query(`analyze ${SCHEMA}.tlog_search_keys, ${SCHEMA}.tlog_entries`);
});
afterAll(() => test?.drop());

const indexes = ({ entries }: FoundEntries) =>
	entries.map(({ index, leafHash }) => {
		expect(Buffer.from(leafHash).readUInt32BE(0)).toBe(index);
		return index;
	});
const range = (limit: number, before = SIZE) => ({ before, limit });

/** Rows that a search touches in all nodes of its plans, as EXPLAIN ANALYZE counts them. */
async function rowsTouched(search: (sql: Sql) => Promise<unknown>): Promise<number> {
	let rows = 0;
	await search({
		query: async <Row extends object>(text: string, values?: Parameters<Sql['query']>[1]) => {
			const [explained] = await sql.query<{ 'QUERY PLAN': readonly [{ Plan: PlanNode }] }>(
				`explain (analyze, format json) ${text}`,
				values,
			);
			rows += scannedBy(explained!['QUERY PLAN'][0].Plan);
			return sql.query<Row>(text, values);
		},
	});
	return rows;
}

interface PlanNode {
	readonly 'Node Type': string;
	readonly 'Actual Rows': number;
	readonly 'Actual Loops': number;
	readonly 'Rows Removed by Filter'?: number;
	readonly Plans?: readonly PlanNode[];
}

function scannedBy(node: PlanNode): number {
	const own = node['Node Type'].includes('Scan')
		? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
		: 0;
	return own + (node.Plans ?? []).reduce((sum, child) => sum + scannedBy(child), 0);
}

describe('a search for all of several keys', () => {
	it('finds what has them, newest first', async () => {
		expect(indexes(await findWithAll(sql, tables, [EVEN, RARE], range(100)))).toEqual(RARE_INDEXES);
		expect(await findWithAll(sql, tables, [EVEN, EACH, RARE, ABSENT], range(100))).toEqual({
			entries: [],
			nextBefore: undefined,
		});
		expect(indexes(await findWithAll(sql, tables, [RARE], range(2)))).toEqual(RARE_INDEXES.slice(0, 2));
		expect((await findWithAll(sql, tables, [EVEN, RARE], range(100))).nextBefore).toBeUndefined();
	});

	it('goes through everything in pages, each entry once', async () => {
		const found: number[] = [];
		let before: number | undefined = SIZE;
		let pages = 0;
		while (before !== undefined) {
			const page = await findWithAll(sql, tables, [EACH, EVEN], range(7_000, before));
			found.push(...indexes(page));
			before = page.nextBefore;
			pages += 1;
		}
		expect(found).toEqual(Array.from({ length: SIZE / 2 }, (_, i) => SIZE - 2 - 2 * i));
		expect(pages).toBeLessThan(25);
	});

	it('says where it goes on when the newest entries have nothing in common', async () => {
		const page = await findWithAll(sql, tables, [EVEN, ODD], range(100));
		expect(page).toEqual({ entries: [], nextBefore: expect.any(Number) });
		expect(page.nextBefore).toBeLessThanOrEqual(SIZE - 2 * MAX_EXAMINED_ENTRIES + 1);
	});

	it.each([
		['a hundred thousand entries each and none in common', [EVEN, ODD]],
		['all their entries in common', [EACH, EVEN]],
		['three entries of one among the hundred thousand of the other', [EVEN, RARE]],
		['nothing for one of them', [EVEN, EACH, ABSENT]],
	])('reads a bounded part of keys with %s', async (_, keys) => {
		// The newest entries of each key, and as many looked up under each other key and as results.
		const bound = MAX_EXAMINED_ENTRIES * (2 * keys.length + 4) + SPARE_ROWS;
		expect(await rowsTouched((counted) => findWithAll(counted, tables, keys, range(10_000)))).toBeLessThanOrEqual(
			bound,
		);
	});
});

describe('a search for any of several keys', () => {
	it('goes through everything in pages, each entry once', async () => {
		const found: number[] = [];
		let before: number | undefined = SIZE;
		while (before !== undefined) {
			const page = await findWithAny(sql, tables, [EVEN, ODD, RARE], range(10_000, before));
			found.push(...indexes(page));
			before = page.nextBefore;
		}
		expect(found).toEqual(Array.from({ length: SIZE }, (_, i) => SIZE - 1 - i));
	});

	it('reads no more of each key than it may return', async () => {
		const rows = await rowsTouched((counted) => findWithAny(counted, tables, [EVEN, ODD, EACH], range(10_000)));
		expect(rows).toBeLessThanOrEqual(10_000 * 6);
	});
});
