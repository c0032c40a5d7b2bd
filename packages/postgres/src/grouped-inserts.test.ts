import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { groupInserts } from './grouped-inserts.ts';
import { isUnavailable, sqlState } from './pg-errors.ts';
import { openDatabase } from './pool.ts';

let test: TestDatabase;
let statements: number[] = [];

beforeAll(async () => {
	test = await createTestDatabase();
	await test.database.query('create table item (id int primary key, name text not null)');
});
afterAll(() => test.drop());

interface Item {
	readonly id: number;
	readonly name: string;
}

function openItems(sql = test.database) {
	statements = [];
	return groupInserts<Item>(async (rows) => {
		statements.push(rows.length);
		await sql.query('insert into item select * from unnest($1::int[], $2::text[])', [
			rows.map(({ id }) => id),
			rows.map(({ name }) => name),
		]);
	});
}

const stored = async () => {
	const rows = await test.database.query<{ id: number }>('select id from item order by id');
	return rows.map(({ id }) => id);
};

describe('rows that arrive together', () => {
	it('share statements, and each is there when its insert resolves', async () => {
		const items = openItems();
		const writes = Array.from({ length: 600 }, async (_, id) => {
			await items.insert({ id, name: `item ${id}` });
			const [row] = await test.database.query<{ name: string }>('select name from item where id = $1', [id]);
			expect(row?.name).toBe(`item ${id}`);
		});
		await Promise.all(writes);
		// The first goes out alone; the others wait for it, and are more than one statement takes.
		expect(statements).toEqual([1, 256, 256, 87]);
		await test.database.query('truncate item');
	});

	it('do not wait for company', async () => {
		const items = openItems();
		await items.insert({ id: 1, name: 'one' });
		await items.insert({ id: 2, name: 'two' });
		expect(statements).toEqual([1, 1]);
		await test.database.query('truncate item');
	});

	it('are not refused for the fault of a neighbour', async () => {
		const items = openItems();
		const outcome = async (row: Item) =>
			items.insert(row).then(
				() => 'stored',
				(error) => sqlState(error),
			);
		const rows: Item[] = Array.from({ length: 40 }, (_, id) => ({ id, name: `item ${id}` }));
		rows.push({ id: 7, name: 'again' }, { id: 100, name: 'nul \0' });
		const outcomes = await Promise.all(rows.map(outcome));
		expect(outcomes.slice(0, 40)).toEqual(Array(40).fill('stored'));
		expect(outcomes.slice(40)).toEqual(['23505', '22021']);
		expect(await stored()).toEqual(Array.from({ length: 40 }, (_, id) => id));
		await test.database.query('truncate item');
	});

	it('fail together when their connection dies, and only they do', async () => {
		const dying = openDatabase({ url: test.url, applicationName: 'dying', maxConnections: 1 });
		const items = openItems(dying);
		const outcomes: Promise<unknown>[] = [];
		const insert = (id: number) => outcomes.push(items.insert({ id, name: 'x' }).catch((error: unknown) => error));
		await test.database.transaction(async (sql) => {
			await sql.query('lock table item in exclusive mode');
			insert(1);
			const waiting = `select pid from pg_stat_activity where application_name = 'dying' and wait_event_type = 'Lock'`;
			const [{ pid }] = await vi.waitUntil(async () => {
				const rows = await test.database.query<{ pid: number }>(waiting);
				return rows.length > 0 ? (rows as [{ pid: number }]) : undefined;
			});
			for (const id of [2, 3]) insert(id);
			await test.database.query('select pg_terminate_backend($1)', [pid]);
			expect(isUnavailable(await outcomes[0])).toBe(true);
		});
		expect(await Promise.all(outcomes.slice(1))).toEqual([undefined, undefined]);
		expect(await stored()).toEqual([2, 3]);
		await dying.close();
	});
});
