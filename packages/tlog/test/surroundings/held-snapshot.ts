/**
 * A log under load while somebody holds an old snapshot open: node held-snapshot.ts URL SECONDS CLIENTS
 *
 * An open snapshot (a forgotten transaction, a long backup) keeps every row version that it might still see. Whatever is
 * updated in place then leaves a chain of dead versions, and who looks the row up walks along it. URL leads to an empty
 * database. Prints one JSON object: latencies in windows from the first to the last, and what grew.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import type { Mark } from '@chancery/postgres/mark/mark';
import { openDatabase } from '@chancery/postgres/pool';
import { createLog } from '../../src/log/create-log.ts';
import { openLog } from '../../src/log/log.ts';
import { migrateTlog } from '../../src/migrate.ts';
import { identityOf, makeReceipt, signStatement } from '../statement.ts';

const [url = '', seconds = '40', clients = '16'] = process.argv.slice(2);
const WINDOWS = 8;
const SCHEMA = 'engine';

const { privateKey } = generateKeyPairSync('ed25519');
const identity = identityOf(privateKey);
const database = openDatabase({ url, applicationName: 'load', maxConnections: 4 });
await migrateTlog(database, SCHEMA);
await createLog(database, SCHEMA, identity);

let mark: Mark | undefined;
const log = await openLog({
	database,
	schema: SCHEMA,
	identity,
	mark: {
		read: async () => mark,
		advance: async (next) => {
			if (!mark || next.size > mark.size) mark = next;
		},
	},
	clock: Date.now,
	signHead: async (head) => signStatement(head, privateKey),
	signReceipt: async (entry) => makeReceipt(entry),
});

let counter = 0;
async function submitNext(): Promise<number> {
	const leaf = new TextEncoder().encode(`entry ${counter++} ${'x'.repeat(600)}`);
	const startedMs = performance.now();
	await log.submit({
		identity: new Uint8Array(createHash('sha256').update(leaf).digest()),
		encode: () => ({ leaf, extra: null, searchKeys: [] }),
	});
	return performance.now() - startedMs;
}

/** Latencies of a few seconds of load, in milliseconds. */
async function load(durationMs: number, into: number[]): Promise<void> {
	const endMs = performance.now() + durationMs;
	await Promise.all(
		Array.from({ length: Number(clients) }, async () => {
			while (performance.now() < endMs) into.push(await submitNext());
		}),
	);
}

// The caches fill, and the partitions and tables have their first pages, before anything is compared.
await load(3_000, []);

const holder = openDatabase({
	url,
	applicationName: 'snapshot',
	maxConnections: 1,
	statementTimeoutMs: 0,
	idleInTransactionTimeoutMs: 0,
});
const taken = Promise.withResolvers<void>();
const done = Promise.withResolvers<void>();
const holding = holder.transaction(async (sql) => {
	await sql.query('set transaction isolation level repeatable read');
	await sql.query(`select count(*) from ${SCHEMA}.tlog_heads`);
	taken.resolve();
	await done.promise;
});
await taken.promise;

const windows: { entries: number; p50: number; p99: number; max: number }[] = [];
for (let i = 0; i < WINDOWS; i++) {
	const latencies: number[] = [];
	await load((Number(seconds) * 1000) / WINDOWS, latencies);
	latencies.sort((a, b) => a - b);
	const at = (share: number) => Math.round(10 * (latencies[Math.floor(latencies.length * share)] ?? 0)) / 10;
	windows.push({ entries: latencies.length, p50: at(0.5), p99: at(0.99), max: at(0.999_999) });
}
const [grown] = await database.query<{ heads: number; published: number; updates: number }>(
	`select pg_relation_size('${SCHEMA}.tlog_heads')::int as heads, pg_relation_size('${SCHEMA}.tlog_published')::int as published,
		(select n_tup_upd::int from pg_stat_user_tables where relname = 'tlog_heads') as updates`,
);
done.resolve();
await holding;
await log.close();
await holder.close();
await database.close();
process.stdout.write(`${JSON.stringify({ windows, grown })}\n`);
