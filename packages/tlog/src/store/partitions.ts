/**
 * Partitions of the tables that are looked up by hash. Inserting random keys into one huge index touches a random page
 * per key; with partitions by index range, all inserts touch the newest, which stays in memory.
 *
 * They are made ahead, outside of the batch: a table is attached under a lock that lets inserts pass.
 */
import type { Database, Sql } from '@chancery/postgres/sql';
import type { LogTables } from './log-tables.ts';

/** Entries per partition, over all logs of a schema: log A's entry 5 and log B's entry 5 share the first one. */
export const PARTITION_ENTRIES: number = 2 ** 20;

const PARENTS = ['tlog_identities', 'tlog_search_keys'] as const;

/**
 * Makes sure that entries up to and including `index` have partitions. Returns the first index that has none.
 * Safe for several processes at once.
 */
export async function ensurePartitions(database: Database, tables: LogTables, index: number): Promise<number> {
	const last = Math.floor(index / PARTITION_ENTRIES);
	for (let number = last; number >= 0 && !(await partitionExists(database, tables, number)); number--)
		await database.transaction((sql) => createPartition(sql, tables, number));
	return (last + 1) * PARTITION_ENTRIES;
}

async function partitionExists(sql: Sql, tables: LogTables, number: number): Promise<boolean> {
	// Both are made in one transaction, so that one stands for both.
	const [row] = await sql.query<{ exists: boolean }>('select to_regclass($1) is not null as exists', [
		`${tables.schema}.${partitionName('tlog_search_keys', number)}`,
	]);
	return row?.exists === true;
}

async function createPartition(sql: Sql, tables: LogTables, number: number): Promise<void> {
	const { schema } = tables;
	const from = number * PARTITION_ENTRIES;
	const to = from + PARTITION_ENTRIES;
	// Excludes other makers of partitions and nobody else; also what attaching takes by itself.
	await sql.query(`lock table ${schema}.tlog_identities in share update exclusive mode`);
	if (await partitionExists(sql, tables, number)) return;
	for (const parent of PARENTS) {
		const name = partitionName(parent, number);
		await sql.query(`create table ${schema}.${name} (like ${schema}.${parent} including all)`);
		await sql.query(
			`alter table ${schema}.${parent} attach partition ${schema}.${name} for values from (${from}) to (${to})`,
		);
	}
	const identities = `${schema}.${partitionName('tlog_identities', number)}`;
	// Unique within the partition only: across partitions the probe under the head lock decides. This is the second lock
	// on the door, and the index that the probe uses.
	await sql.query(`create unique index on ${identities} (log_id, identity)`);
	await sql.query(`create index on ${identities} (log_id, leaf_hash) where leaf_hash is not null`);
}

function partitionName(parent: string, number: number): string {
	return `${parent}_${number}`;
}
