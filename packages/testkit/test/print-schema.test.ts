import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printSchema } from '../src/print-schema.ts';
import { createTestDatabase, type TestDatabase } from '../src/test-database.ts';

let test: TestDatabase;
beforeAll(async () => {
	test = await createTestDatabase();
});
afterAll(() => test.drop());

const FIRST = `
create schema town;
create table town.streets (id bigint primary key, name varchar(40) collate "C" not null default 'none', map bytea);
alter table town.streets alter column map set storage external;
create table town.houses (street bigint not null references town.streets (id), number int check (number > 0), extra text)
	partition by range (number);
create index on town.houses (street) where extra is not null;
create function town.refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
create trigger kept before delete on town.houses for each row execute function town.refuse();`;

/** Each changes one thing that a migration may change. */
const CHANGES = [
	'alter table town.streets add column old boolean',
	'alter table town.streets drop column map',
	'alter table town.streets alter column name drop not null',
	"alter table town.streets alter column name set default 'some'",
	'alter table town.streets alter column name type varchar(41)',
	'alter table town.streets alter column name type varchar(40) collate "POSIX"',
	'alter table town.streets alter column map set storage main',
	'alter table town.streets set (fillfactor = 10)',
	'create unlogged table town.boats (id bigint)',
	'alter table town.streets add unique (name)',
	'alter table town.streets rename constraint streets_pkey to other',
	'alter table town.houses drop constraint houses_number_check',
	'alter table town.houses drop constraint houses_street_fkey',
	'create table town.low partition of town.houses for values from (1) to (100)',
	'create table town.places ()',
	'create index on town.streets (name)',
	'drop index town.houses_street_idx',
	'drop trigger kept on town.houses',
	'create or replace function town.refuse() returns trigger language plpgsql as $$ begin raise $x$yes$x$; end $$',
	'create function town.more() returns int language sql as $$ select 1 $$',
];

const UNPRINTED = [
	'create view town.all_streets as select id from town.streets',
	'create sequence town.numbers',
	"create type town.side as enum ('left', 'right')",
	'create domain town.positive as int check (value > 0)',
	'create rule nothing as on insert to town.streets do instead nothing',
	'create policy nobody on town.streets using (false)',
	'alter table town.streets add column n bigint generated always as identity',
	'alter table town.streets add column n bigint generated always as (id + 1) stored',
];

/** What is printed after `statement`, which is taken back again. */
async function printedAfter(statement: string, schema = 'town'): Promise<string> {
	const undone = new Error('undone');
	let printed = '';
	await test.database
		.transaction(async (sql) => {
			await sql.query(statement);
			printed = await printSchema(sql, schema);
			throw undone;
		})
		.catch((error: unknown) => {
			if (error !== undone) throw error;
		});
	return printed;
}

describe('printSchema', () => {
	it('prints SQL that makes the same again', async () => {
		const printed = await printedAfter(FIRST);
		expect(printed).toContain('create table town.houses (');
		expect(await printedAfter(printed)).toBe(printed);
	});

	it.each(CHANGES)('shows: %s', async (change) => {
		const before = await printedAfter(FIRST);
		const after = await printedAfter(`${FIRST}\n${change}`);
		expect(after).not.toBe(before);
		expect(await printedAfter(after)).toBe(after);
	});

	it.each(UNPRINTED)('refuses what it does not print: %s', async (change) => {
		await expect(printedAfter(`${FIRST}\n${change}`)).rejects.toThrow('not printed');
	});
});
