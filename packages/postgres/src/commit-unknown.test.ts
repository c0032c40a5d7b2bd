/**
 * What the pool reports when the network fails at the worst moment. A proxy between the pool and the server cuts the
 * connection around COMMIT.
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { CommitUnknownError, isUnavailable } from './pg-errors.ts';
import { openDatabase } from './pool.ts';
import type { Database } from './sql.ts';

type Cut = 'never' | 'before COMMIT arrives' | 'after COMMIT arrives' | 'swallow answers';

let cut: Cut = 'never';
let test: TestDatabase;
let proxy: Server;
let database: Database;

/** The simple-query message `Q <length> commit\0`. */
const isCommit = (bytes: Uint8Array | string) => Buffer.from(bytes as Uint8Array).includes('commit\0');

function relay(client: Socket, server: Socket): void {
	let hasCommitted = false;
	client.on('data', (bytes) => {
		hasCommitted = isCommit(bytes);
		if (hasCommitted && cut === 'before COMMIT arrives') client.destroy();
		else server.write(bytes);
	});
	server.on('data', (bytes) => {
		if (hasCommitted && cut === 'after COMMIT arrives') client.destroy();
		else if (cut !== 'swallow answers') client.write(bytes);
	});
	for (const [a, b] of [
		[client, server],
		[server, client],
	] as const) {
		a.on('close', () => b.destroy());
		a.on('error', () => b.destroy());
	}
}

beforeAll(async () => {
	test = await createTestDatabase();
	await test.database.query('create table item (id int primary key)');
	const { host, port } = new pg.Client(test.url);
	proxy = createServer((client) =>
		relay(client, host.startsWith('/') ? dial(`${host}/.s.PGSQL.${port}`) : dial(port, host)),
	);
	await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
	const address = proxy.address() as { port: number };
	const { user, database: name, password } = new pg.Client(test.url);
	database = openDatabase({
		url: `postgres://${user}:${password ?? ''}@127.0.0.1:${address.port}/${name}`,
		applicationName: 'through the proxy',
		maxConnections: 1,
		statementTimeoutMs: 1_000,
	});
});
afterAll(async () => {
	await database.close();
	proxy.close();
	await test.drop();
});
beforeEach(() => {
	cut = 'never';
});

const insert = (id: number, before: () => void = () => undefined): Promise<unknown> =>
	database
		.transaction(async (sql) => {
			await sql.query('insert into item values ($1)', [id]);
			before();
		})
		.catch((error: unknown) => error);

const stored = async (id: number) =>
	(await test.database.query('select id from item where id = $1', [id])).length === 1;

it('a COMMIT that never arrived is unknown, and was not done', async () => {
	const error = await insert(1, () => {
		cut = 'before COMMIT arrives';
	});
	expect(error).toBeInstanceOf(CommitUnknownError);
	expect(await stored(1)).toBe(false);
});

it('a COMMIT whose answer was lost is unknown, and was done', async () => {
	const error = await insert(2, () => {
		cut = 'after COMMIT arrives';
	});
	expect(error).toBeInstanceOf(CommitUnknownError);
	await expect.poll(() => stored(2)).toBe(true);
});

it('a COMMIT that is never answered is unknown after the timeouts', async () => {
	const error = await insert(3, () => {
		cut = 'swallow answers';
	});
	expect(error).toBeInstanceOf(CommitUnknownError);
	await expect.poll(() => stored(3)).toBe(true);
});

it('a statement that is never answered fails as unavailable, and the connection is not used again', async () => {
	await database.query('select 1');
	const statement = database.query('select 1').catch((error: unknown) => error);
	cut = 'swallow answers';
	expect(isUnavailable(await statement)).toBe(true);
	cut = 'never';
	expect(await database.query('select 2 as two')).toEqual([{ two: 2 }]);
});

it('after each of these the pool works again', async () => {
	expect(await insert(4)).toBeUndefined();
	expect(await stored(4)).toBe(true);
});
