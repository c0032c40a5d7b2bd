/** The script of `migrate --sql`, run by an administrator for a role that may make nothing itself. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STORING_SERVICES } from '../services.ts';
import { findMissingMigrations, migrateServices, writeMigrationScript } from './migrate.ts';

// Needs quotes in SQL, and has some inside.
const ROLE = `Chancery "run" ${randomBytes(4).toString('hex')}`;
const QUOTED = `"${ROLE.replaceAll('"', '""')}"`;
const SERVICES = STORING_SERVICES.map(({ name }) => name);

let folder: string;
let scripted: TestDatabase;
let migrated: TestDatabase;
let config: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-migration-script-'));
	[scripted, migrated] = await Promise.all([createTestDatabase(), createTestDatabase()]);
	await scripted.database.query(`create role ${QUOTED} login`);
	const options = `-c role=${ROLE.replaceAll(' ', '\\ ')}`;
	const asRole = `${scripted.url}${scripted.url.includes('?') ? '&' : '?'}options=${encodeURIComponent(options)}`;
	config = await configFile('scripted.yaml', asRole);
});
afterAll(async () => {
	const { database } = scripted;
	await database.query(`drop owned by ${QUOTED} cascade`);
	await database.query(`drop role ${QUOTED}`);
	await Promise.all([scripted.drop(), migrated.drop()]);
	await rm(folder, { recursive: true });
});

async function configFile(name: string, url: string): Promise<string> {
	const path = join(folder, name);
	const sections = Object.fromEntries(SERVICES.map((service) => [service, {}]));
	await writeFile(path, JSON.stringify({ profile: 'development', database: { url }, ...sections }));
	return path;
}

const OURS = `n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'public')`;

/** What is in the schemas, by the server's own catalogues. */
async function contents(database: Database): Promise<unknown[]> {
	const ledgers: unknown[] = [];
	const schemas = await database.query<{ name: string }>(
		`select nspname as name from pg_namespace n where ${OURS} order by 1`,
	);
	for (const { name } of schemas)
		ledgers.push(
			await database.query(`select component, id, name, sha256 from "${name}".migrations order by component, id`),
		);
	return [
		schemas,
		ledgers,
		await database.query(`select n.nspname, c.relname, c.relkind, a.attname, format_type(a.atttypid, a.atttypmod) as type,
				a.attnotnull, pg_get_expr(d.adbin, d.adrelid) as default_value
			from pg_class c join pg_namespace n on n.oid = c.relnamespace
			left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
			left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
			where ${OURS} order by 1, 2, a.attnum`),
		await database.query(`select n.nspname, c.conname, pg_get_constraintdef(c.oid) as definition from pg_constraint c
			join pg_namespace n on n.oid = c.connamespace where ${OURS} order by 1, 2, 3`),
		await database.query(`select n.nspname, p.proname, p.prosrc from pg_proc p
			join pg_namespace n on n.oid = p.pronamespace where ${OURS} order by 1, 2`),
		await database.query(`select n.nspname, c.relname, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
			join pg_namespace n on n.oid = c.relnamespace where ${OURS} and not t.tgisinternal order by 1, 2, 3`),
	];
}

describe('the script of the migrations', { timeout: 120_000 }, () => {
	let script: string;

	it('is printed without a change, and names each migration that the check finds missing', async () => {
		const before = await findMissingMigrations(config, []);
		script = await writeMigrationScript(config, []);
		expect(before.map(({ service }) => service)).toEqual(SERVICES);
		for (const { missing } of before) {
			expect(missing[0]).toMatch(/^0001_/);
			for (const name of missing) expect(script).toContain(`: ${name}\n`);
		}
		expect(await findMissingMigrations(config, [])).toEqual(before);
		expect(await scripted.database.query(`select 1 from pg_namespace n where ${OURS}`)).toEqual([]);
	});

	it('makes what migrate makes, with the ledger, so that nothing is missing afterwards', async () => {
		await migrateServices(await configFile('migrated.yaml', migrated.url), [], () => {});
		await scripted.database.query(script);
		expect(await contents(scripted.database)).toEqual(await contents(migrated.database));
		expect((await findMissingMigrations(config, [])).flatMap(({ missing }) => missing)).toEqual([]);
		expect(await writeMigrationScript(config, [])).toBe(
			'-- The database has all migrations that this version needs.\n',
		);
	});

	it('gives everything to the role of the services', async () => {
		const owners = await scripted.database.query(
			`select distinct pg_get_userbyid(owner) as owner from (
				select nspowner as owner from pg_namespace n where ${OURS}
				union select relowner from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OURS}
				union select proowner from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OURS}) as found`,
		);
		expect(owners).toEqual([{ owner: ROLE }]);
	});

	it('leaves nothing to do for migrate, which then needs no right to make schemas', async () => {
		const applied: (readonly string[])[] = [];
		await migrateServices(config, [], (done) => applied.push(done.applied));
		expect(applied).toEqual(SERVICES.map(() => []));
	});

	it('changes nothing when it is run twice', async () => {
		const before = await contents(scripted.database);
		// As psql ends: its connection takes the failed transaction with it.
		const administrator = openDatabase({ url: scripted.url, applicationName: 'administrator', maxConnections: 1 });
		await expect(administrator.query(script)).rejects.toMatchObject({ code: '23505' });
		await administrator.close();
		expect(await contents(scripted.database)).toEqual(before);
	});

	it('holds only what comes after the migrations that are there', async () => {
		const { database } = migrated;
		const [last] = await database.query<{ id: number; name: string }>(
			`delete from identity.migrations where id = (select max(id) from identity.migrations) returning id, name`,
		);
		const path = await configFile('migrated.yaml', migrated.url);
		expect(await findMissingMigrations(path, ['identity'])).toEqual([{ service: 'identity', missing: [last?.name] }]);
		const rest = await writeMigrationScript(path, []);
		expect(rest.match(/insert into \w+\.migrations/g)).toEqual(['insert into identity.migrations']);
		expect(rest).toContain(`'${last?.name}'`);
	});
});
