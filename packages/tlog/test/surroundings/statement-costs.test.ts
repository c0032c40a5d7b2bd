/** What a lookup costs must not grow with how often a head was moved while somebody held an old snapshot open. */
import { openDatabase } from '@chancery/postgres/pool';
import type { Sql } from '@chancery/postgres/sql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HeadTimeMs, lockHead, moveHead, readHead } from '../../src/store/heads.ts';
import { logTables } from '../../src/store/log-tables.ts';
import { readState, replacePublication } from '../../src/store/publications.ts';
import { createWorld, IDENTITY, SCHEMA, textEntry, type World } from '../log-world.ts';

const MOVES = 3_000;
const MAX_PAGES = 24;
const tables = logTables(SCHEMA, IDENTITY.logId);

let world: World;
beforeAll(async () => {
	world = await createWorld();
});
afterAll(() => world.end());

/** Pages that a statement of the engine touches, as the server counts them. */
async function pagesOf(sql: Sql, run: (sql: Sql) => Promise<unknown>): Promise<number> {
	let pages = 0;
	await run({
		query: async (text, values) => {
			const [row] = await sql.query<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
				`explain (analyze, buffers, format json) ${text}`,
				values,
			);
			const plan = row!['QUERY PLAN'][0]!.Plan;
			pages += (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
			return [];
		},
	}).catch(() => undefined);
	return pages;
}

it('the statements that every batch and every publication makes touch a few pages, however many versions are kept', async () => {
	const { log, close } = await world.open();
	await log.submit(textEntry('one'));
	const published = await log.published();
	await close();

	const holder = openDatabase({ url: world.url, applicationName: 'snapshot', maxConnections: 1 });
	const taken = Promise.withResolvers<void>();
	const done = Promise.withResolvers<void>();
	const holding = holder.transaction(async (sql) => {
		await sql.query('set transaction isolation level repeatable read');
		await sql.query("set local idle_in_transaction_session_timeout = '0'");
		await sql.query(`select count(*) from ${SCHEMA}.tlog_heads`);
		taken.resolve();
		await done.promise;
	});
	await taken.promise;

	// As so many batches and publications would have moved them.
	await world.database.query(
		`do $$ begin for n in 2..${MOVES} loop
			perform set_config('synchronous_commit', 'off', true);
			update ${SCHEMA}.tlog_heads set size = n where log_id = '${tables.logId}' and size = n - 1;
			update ${SCHEMA}.tlog_published set size = n, timestamp_ms = ${published.timestampMs} + n
				where log_id = '${tables.logId}' and timestamp_ms = ${published.timestampMs} + case n when 2 then 0 else n - 1 end;
			commit;
		end loop; end $$`,
	);
	const head = (await readHead(world.database, tables))!;
	expect(head.size).toBe(MOVES);
	const seen = { ...published, size: MOVES, timestampMs: published.timestampMs + MOVES };
	const costs: [string, (sql: Sql) => Promise<unknown>][] = [
		['lockHead', (sql) => lockHead(sql, tables)],
		['readHead', (sql) => readHead(sql, tables)],
		['readState', (sql) => readState(sql, tables)],
		[
			'moveHead',
			(sql) =>
				moveHead(sql, tables, head, { ...head, size: head.size + 1, timestampMs: head.timestampMs as HeadTimeMs }),
		],
		[
			'replacePublication',
			(sql) => replacePublication(sql, tables, seen, { ...seen, timestampMs: seen.timestampMs + 1 }),
		],
	];
	for (const [name, run] of costs) {
		const pages = await pagesOf(world.database, run);
		expect(pages, name).toBeGreaterThan(0);
		expect(pages, name).toBeLessThan(MAX_PAGES);
	}
	done.resolve();
	await holding;
	await holder.close();
});
