import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type MigrationError, migrate } from './migrate.ts';
import { openDatabase } from './pool.ts';
import { schemaName } from './schema-name.ts';

let test: TestDatabase;
const folders: string[] = [];

beforeAll(async () => {
	test = await createTestDatabase();
});
afterAll(() => test.drop());
afterEach(async () => {
	for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A folder of migrations, as the URL a package would write. */
async function folderOf(files: Record<string, string>): Promise<URL> {
	const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
	folders.push(folder);
	for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
	return pathToFileURL(`${folder}/`);
}

const FIRST = `create table \${schema}.entry (id bigint primary key);\ncreate index on \${schema}.entry (id);\n`;
const SECOND = `alter table \${schema}.entry add column body bytea;\n`;

const codeOf = (promise: Promise<unknown>): Promise<string> =>
	promise.then(
		() => 'no error',
		(error: MigrationError) => error.code,
	);

describe('migrate', () => {
	it('applies what is missing, in order, and then nothing', async () => {
		const source = { schema: 'plain', component: 'main' };
		const one = await folderOf({ '0001_init.sql': FIRST, 'README.md': 'not a migration' });
		expect(await migrate(test.database, { ...source, directory: one })).toEqual({
			...source,
			applied: ['0001_init'],
			version: 1,
		});
		const two = await folderOf({ '0001_init.sql': FIRST, '0002_body.sql': SECOND });
		expect((await migrate(test.database, { ...source, directory: two })).applied).toEqual(['0002_body']);
		expect((await migrate(test.database, { ...source, directory: two })).applied).toEqual([]);
		await test.database.query('insert into plain.entry (id, body) values (1, null)');
		const ledger = await test.database.query(
			`select component, id, name, length(sha256) as bytes, applied_at is not null as dated from plain.migrations order by id`,
		);
		expect(ledger).toEqual([
			{ component: 'main', id: 1, name: '0001_init', bytes: 32, dated: true },
			{ component: 'main', id: 2, name: '0002_body', bytes: 32, dated: true },
		]);
	});

	it('keeps the numbering of several components in one schema apart', async () => {
		const a = await folderOf({ '0001_init.sql': `create table \${schema}.a (id int)` });
		const b = await folderOf({ '0001_init.sql': `create table \${schema}.b (id int)` });
		await migrate(test.database, { schema: 'pair', component: 'tlog', directory: a });
		await migrate(test.database, { schema: 'pair', component: 'ctlog', directory: b });
		await test.database.query('select a.id from pair.a join pair.b on true');
	});

	it('is safe when many start at once', async () => {
		const directory = await folderOf({ '0001_init.sql': `${FIRST}select pg_sleep(0.1);`, '0002_body.sql': SECOND });
		const starters = Array.from({ length: 6 }, () => openDatabase({ url: test.url, applicationName: 'starter' }));
		const source = { schema: 'crowd', component: 'main', directory };
		const reports = await Promise.all(starters.map((database) => migrate(database, source)));
		expect(reports.flatMap(({ applied }) => applied).sort()).toEqual(['0001_init', '0002_body']);
		await Promise.all(starters.map((database) => database.close()));
	});

	it('waits for another that holds the row longer than the lock timeout', async () => {
		const directory = await folderOf({ '0001_init.sql': `${FIRST}select pg_sleep(0.4);` });
		const source = { schema: 'concurrent', component: 'main', directory };
		const impatient = openDatabase({ url: test.url, applicationName: 'impatient', lockTimeoutMs: 50 });
		const [slow, fast] = await Promise.all([migrate(test.database, source), migrate(impatient, source)]);
		expect([...slow.applied, ...fast.applied]).toEqual(['0001_init']);
		await impatient.close();
	});

	it('leaves nothing of a file that fails, names it, and goes on once it is right', async () => {
		const source = { schema: 'broken', component: 'main' };
		const bad = await folderOf({ '0001_init.sql': FIRST, '0002_bad.sql': `${SECOND}select 1/0;` });
		const failure = migrate(test.database, { ...source, directory: bad });
		await expect(failure).rejects.toThrow(/0002_bad of main failed in schema broken.*division by zero/);
		expect(await codeOf(failure)).toBe('failed');
		const good = await folderOf({ '0001_init.sql': FIRST, '0002_bad.sql': SECOND });
		expect((await migrate(test.database, { ...source, directory: good })).applied).toEqual(['0002_bad']);
	});

	it('refuses a file that changed after it was applied, naming both hashes', async () => {
		const source = { schema: 'changed', component: 'main' };
		await migrate(test.database, { ...source, directory: await folderOf({ '0001_init.sql': FIRST }) });
		const edited = migrate(test.database, { ...source, directory: await folderOf({ '0001_init.sql': `${FIRST} ` }) });
		await expect(edited).rejects.toThrow(/SHA-256 [0-9a-f]{64}, and the file 0001_init now has [0-9a-f]{64}/);
		expect(await codeOf(edited)).toBe('changed');
	});

	it('refuses a schema that is newer than the program', async () => {
		const source = { schema: 'newer', component: 'main' };
		const two = await folderOf({ '0001_init.sql': FIRST, '0002_body.sql': SECOND });
		await migrate(test.database, { ...source, directory: two });
		const older = migrate(test.database, { ...source, directory: await folderOf({ '0001_init.sql': FIRST }) });
		expect(await codeOf(older)).toBe('unknown-newer');
		await expect(older).rejects.toThrow('0002_body');
	});

	it('refuses a ledger with a hole', async () => {
		const source = { schema: 'hole', component: 'main' };
		const directory = await folderOf({ '0001_init.sql': FIRST, '0002_body.sql': SECOND });
		await migrate(test.database, { ...source, directory });
		await test.database.query('delete from hole.migrations where id = 1');
		expect(await codeOf(migrate(test.database, { ...source, directory }))).toBe('gap');
	});

	it.each([
		['a gap', { '0001_init.sql': '', '0003_late.sql': '' }],
		['a number used twice', { '0001_a.sql': '', '0001_b.sql': '' }],
		['a start at zero', { '0000_init.sql': '' }],
		['an unnumbered file', { 'init.sql': '' }],
		['upper case', { '0001_Init.sql': '' }],
	])('refuses a folder with %s', async (_, files) => {
		const directory = await folderOf(files as Record<string, string>);
		expect(await codeOf(migrate(test.database, { schema: 'bad', component: 'main', directory }))).toBe('bad-folder');
	});

	it('finds its files also when the URL has no closing slash', async () => {
		const directory = new URL((await folderOf({ '0001_init.sql': FIRST })).href.replace(/\/$/, ''));
		expect((await migrate(test.database, { schema: 'slash', component: 'main', directory })).version).toBe(1);
	});
});

describe('schemaName', () => {
	it.each(['log', 'ca', 'identity', 'tuf', 'a', 'tlog_test_1', 'x'.repeat(48)])('accepts %s unquoted', async (name) => {
		expect(schemaName(name)).toBe(name);
		await test.database.query(`create schema if not exists ${schemaName(name)}`);
	});

	it.each([
		'',
		'Log',
		'1log',
		'_log',
		'log;drop table x',
		'log"',
		'log.x',
		'lög',
		'log\n',
		'x'.repeat(49),
		'pg_log',
		'information_schema',
		'user',
		'table',
		'select',
	])('refuses %j', (name) => {
		expect(() => schemaName(name)).toThrow(TypeError);
	});

	it('refuses every word the server reserves', async () => {
		const words = await test.database.query<{ word: string }>(
			`select word from pg_get_keywords() where catcode in ('R', 'T')`,
		);
		expect(words.length).toBeGreaterThan(90);
		const accepted = words
			.map(({ word }) => word)
			.filter((word) => {
				try {
					return schemaName(word);
				} catch {
					return false;
				}
			});
		expect(accepted).toEqual([]);
	});
});
