import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
	CommitUnknownError,
	isDataError,
	isTimeout,
	isUnavailable,
	sqlState,
	TransactionAbortedError,
} from './pg-errors.ts';
import { openDatabase } from './pool.ts';
import type { Sql } from './sql.ts';

let test: TestDatabase;

beforeAll(async () => {
	test = await createTestDatabase({ statementTimeoutMs: 2_000, lockTimeoutMs: 200 });
	await test.database.query('create table item (id bigint primary key, body bytea)');
});
afterAll(() => test.drop());

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
	promise.then(
		() => undefined,
		(error: unknown) => error,
	);

describe('connections', () => {
	it('are counted: those in use, those that idle, and who waits for one', async () => {
		const small = openDatabase({ url: test.url, applicationName: 'chancery-test', maxConnections: 1 });
		try {
			expect(small.connections?.()).toEqual({ inUse: 0, idle: 0, waiting: 0, max: 1, failures: 0 });
			await small.transaction(async (sql) => {
				await sql.query('select 1');
				const waiting = small.query('select 1');
				expect(small.connections?.()).toEqual({ inUse: 1, idle: 0, waiting: 1, max: 1, failures: 0 });
				void waiting.catch(() => undefined);
			});
			await small.query('select 1');
			expect(small.connections?.()).toEqual({ inUse: 0, idle: 1, waiting: 0, max: 1, failures: 0 });
		} finally {
			await small.close();
		}
	});
});

describe('values', () => {
	it('reads int8 as number, bytea as bytes and timestamptz as Date', async () => {
		const [row] = await test.database.query<{ n: number; list: number[]; b: Uint8Array; t: Date }>(
			`select $1::bigint as n, array[$1::bigint, null, 2] as list, $2::bytea as b, $3::timestamptz as t`,
			[9007199254740991n, Uint8Array.of(0, 1, 255), new Date(1_700_000_000_123)],
		);
		expect(row?.n).toBe(Number.MAX_SAFE_INTEGER);
		expect(row?.list).toEqual([Number.MAX_SAFE_INTEGER, null, 2]);
		expect([...(row?.b ?? [])]).toEqual([0, 1, 255]);
		expect(row?.t.getTime()).toBe(1_700_000_000_123);
	});

	it('binds a view into a larger buffer without its surroundings', async () => {
		const view = Uint8Array.of(9, 1, 2, 9).subarray(1, 3);
		const [row] = await test.database.query<{ hex: string }>(`select encode($1::bytea, 'hex') as hex`, [view]);
		expect(row?.hex).toBe('0102');
	});

	it('refuses an int8 beyond 2^53 and keeps the connection usable', async () => {
		const single = openDatabase({ url: test.url, applicationName: 'int8', maxConnections: 1 });
		const pid = () => single.query<{ pid: number }>('select pg_backend_pid() as pid');
		const before = await pid();
		await expect(single.query('select 9007199254740992::bigint as n')).rejects.toThrow('beyond 2^53');
		expect(await pid()).toEqual(before);
		await single.close();
	});
});

describe('transaction', () => {
	it('commits what the work did and hands back its result', async () => {
		const result = await test.database.transaction(async (sql) => {
			await sql.query('insert into item values ($1, $2)', [1, Uint8Array.of(1)]);
			return 'done';
		});
		expect(result).toBe('done');
		expect(await test.database.query('select id from item where id = 1')).toEqual([{ id: 1 }]);
	});

	it('rolls back when the work throws, and throws that error', async () => {
		const reason = new Error('changed my mind');
		const work = test.database.transaction(async (sql) => {
			await sql.query('insert into item values (2, null)');
			throw reason;
		});
		expect(await rejection(work)).toBe(reason);
		expect(await test.database.query('select id from item where id = 2')).toEqual([]);
	});

	it('rolls back statements that the work did not wait for', async () => {
		const work = test.database.transaction(async (sql) => {
			void sql.query('insert into item values (3, null)');
			throw new Error('in a hurry');
		});
		await expect(work).rejects.toThrow('in a hurry');
		expect(await test.database.query('select id from item where id = 3')).toEqual([]);
	});

	it('says so when a swallowed error made the server roll back instead of committing', async () => {
		const work = test.database.transaction(async (sql) => {
			await sql.query('insert into item values (4, null)');
			await rejection(sql.query('select 1/0'));
		});
		expect(await rejection(work)).toBeInstanceOf(TransactionAbortedError);
		expect(await test.database.query('select id from item where id = 4')).toEqual([]);
	});

	it('refuses statements after its end', async () => {
		let leaked: Sql | undefined;
		await test.database.transaction(async (sql) => {
			leaked = sql;
		});
		await expect(leaked?.query('select 1')).rejects.toThrow('has ended');
	});

	it('runs at READ COMMITTED whatever the database prefers', async () => {
		const [row] = await test.database.transaction((sql) => sql.query('show transaction_isolation'));
		expect(row).toEqual({ transaction_isolation: 'read committed' });
	});

	it('throws the plain error when a deferred constraint makes COMMIT itself fail', async () => {
		await test.database.query('create table child (id bigint references item (id) deferrable initially deferred)');
		const error = await rejection(test.database.transaction((sql) => sql.query('insert into child values (999)')));
		expect(error).not.toBeInstanceOf(CommitUnknownError);
		expect(sqlState(error)).toBe('23503');
		expect(isDataError(error)).toBe(true);
	});

	it('does not take the error of the work for an unknown commit when the connection dies before COMMIT', async () => {
		const error = await rejection(
			test.database.transaction(async (sql) => {
				await sql.query('insert into item values (5, null)');
				await rejection(sql.query('select pg_terminate_backend(pg_backend_pid())'));
				await sql.query('select 1');
			}),
		);
		expect(error).not.toBeInstanceOf(CommitUnknownError);
		expect(isUnavailable(error)).toBe(true);
		expect(await test.database.query('select id from item where id = 5')).toEqual([]);
	});
});

describe('timeouts', () => {
	it('are set on the connection: statement, lock, idle in transaction', async () => {
		const database = openDatabase({ url: test.url, applicationName: 'timeouts' });
		const [row] = await database.query(
			`select current_setting('statement_timeout') as s, current_setting('lock_timeout') as l,
				current_setting('idle_in_transaction_session_timeout') as i, current_setting('application_name') as a`,
		);
		expect(row).toEqual({ s: '30s', l: '5s', i: '5s', a: 'timeouts' });
		await database.close();
	});

	it('cut off a slow statement and a wait for a lock', async () => {
		const slow = openDatabase({ url: test.url, applicationName: 'slow', statementTimeoutMs: 50 });
		const error = await rejection(slow.query('select pg_sleep(10)'));
		expect(sqlState(error)).toBe('57014');
		expect(isTimeout(error)).toBe(true);
		await slow.close();
		await test.database.transaction(async (sql) => {
			await sql.query('select id from item where id = 1 for update');
			const waiting = await rejection(test.database.query('select id from item where id = 1 for update'));
			expect(sqlState(waiting)).toBe('55P03');
			expect(isTimeout(waiting)).toBe(true);
		});
	});

	it('take the connection, and with it the locks, from a transaction that idles', async () => {
		const idler = openDatabase({ url: test.url, applicationName: 'idler', idleInTransactionTimeoutMs: 50 });
		const error = await rejection(
			idler.transaction(async (sql) => {
				await sql.query('select id from item where id = 1 for update');
				await new Promise((resolve) => setTimeout(resolve, 300));
				await sql.query('select 1');
			}),
		);
		expect(error).toBeInstanceOf(Error);
		expect(await test.database.query('select id from item where id = 1 for update nowait')).toEqual([{ id: 1 }]);
		expect(await idler.query('select 1 as one')).toEqual([{ one: 1 }]);
		await idler.close();
	});

	it('bound the wait for a free connection', async () => {
		const single = openDatabase({
			url: test.url,
			applicationName: 'single',
			maxConnections: 1,
			connectTimeoutMs: 1_500,
		});
		await single.transaction(async () => {
			expect(isUnavailable(await rejection(single.query('select 1')))).toBe(true);
		});
		expect(single.connections?.().failures).toBe(1);
		await single.close();
	});
});

describe('a warning', () => {
	it('that comes with the answer to COMMIT leaves the outcome unknown; before it, it means nothing', async () => {
		await test.database.query(`
			create table warned (id int primary key, level text);
			create function warn() returns trigger language plpgsql as $$
			begin
				if new.level = 'warning' then raise warning 'half done'; else raise notice 'by the way'; end if;
				return null;
			end
			$$;
			create constraint trigger at_commit after insert on warned deferrable initially deferred
				for each row execute function warn()`);
		const insert = (id: number, level: string, early = '') =>
			test.database.transaction(async (sql) => {
				await sql.query('insert into warned values ($1, $2)', [id, level]);
				if (early) await sql.query(early);
			});
		const error = await rejection(insert(1, 'warning'));
		expect(error).toBeInstanceOf(CommitUnknownError);
		expect((error as Error).message).toMatch(/half done/);
		await insert(2, 'notice');
		await insert(3, 'warning', 'set constraints all immediate');
		expect(await test.database.query('select id from warned order by id')).toHaveLength(3);
	});
});

describe('an inspection of connections', () => {
	it('sees each one that is made after it was asked for, and no more when it was ended', async () => {
		const database = openDatabase({ url: test.url, applicationName: 'inspected', maxConnections: 2 });
		await database.query('select 1');
		const seen: number[] = [];
		const end = database.inspectConnections?.(async (sql) => {
			const [row] = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
			seen.push(row?.pid ?? 0);
		});
		const pid = () => database.query<{ pid: number }>('select pg_backend_pid() as pid, pg_sleep(0.05)');
		const pids = (await Promise.all([pid(), pid()])).map(([row]) => row?.pid);
		expect(seen).toHaveLength(1);
		expect(pids).toContain(seen[0]);
		end?.();
		await test.database.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [pids as number[]]);
		await expect.poll(() => database.query('select 1 as one').catch(() => [])).toEqual([{ one: 1 }]);
		expect(seen).toHaveLength(1);
		await database.close();
	});

	it('refuses a connection by throwing', async () => {
		const database = openDatabase({ url: test.url, applicationName: 'refused', maxConnections: 1 });
		const end = database.inspectConnections?.(async () => {
			throw new Error('not this server');
		});
		expect(await rejection(database.query('select 1'))).toMatchObject({ message: 'not this server' });
		end?.();
		expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
		await database.close();
	});
});

describe('admit', () => {
	it('runs once on each new connection before its first use', async () => {
		let admissions = 0;
		const database = openDatabase({
			url: test.url,
			applicationName: 'admit',
			maxConnections: 2,
			admit: async (sql) => {
				admissions++;
				await sql.query(`select set_config('chancery.admitted', 'yes', false)`);
			},
		});
		const admitted = () => database.query(`select current_setting('chancery.admitted') as admitted`);
		expect(await admitted()).toEqual([{ admitted: 'yes' }]);
		expect(await admitted()).toEqual([{ admitted: 'yes' }]);
		expect(admissions).toBe(1);
		await database.transaction(async (sql) => {
			await sql.query('select 1');
			expect(await admitted()).toEqual([{ admitted: 'yes' }]);
		});
		expect(admissions).toBe(2);
		await database.close();
	});

	it('refuses the connection by throwing, and the waiting caller gets that error', async () => {
		const refusal = new Error('this server is a stale standby');
		let refusing = true;
		const database = openDatabase({
			url: test.url,
			applicationName: 'refused',
			maxConnections: 1,
			admit: async () => {
				if (refusing) throw refusal;
			},
		});
		expect(await rejection(database.query('select 1'))).toBe(refusal);
		expect(await rejection(database.transaction(async () => 1))).toBe(refusal);
		const left = `select pid from pg_stat_activity where application_name = 'refused'`;
		await expect.poll(() => test.database.query(left)).toEqual([]);
		refusing = false;
		expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
		await database.close();
	});
});

describe('connections', () => {
	it('that die while idle are replaced without anyone noticing', async () => {
		const database = openDatabase({ url: test.url, applicationName: 'mortal', maxConnections: 1 });
		const [before] = await database.query<{ pid: number }>('select pg_backend_pid() as pid');
		await test.database.query('select pg_terminate_backend($1)', [before?.pid ?? 0]);
		const gone = `select pid from pg_stat_activity where application_name = 'mortal'`;
		await expect.poll(() => test.database.query(gone)).toEqual([]);
		await expect.poll(() => rejection(database.query('select 1'))).toBeUndefined();
		await database.close();
	});

	it('that break while they are used are counted as failures', async () => {
		const database = openDatabase({ url: test.url, applicationName: 'cut', maxConnections: 1 });
		const work = database.transaction(async (sql) => {
			const [own] = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
			await test.database.query('select pg_terminate_backend($1)', [own?.pid ?? 0]);
			await sql.query('select 1');
		});
		expect(isUnavailable(await rejection(work))).toBe(true);
		expect(database.connections?.().failures).toBe(1);
		await database.close();
	});

	it('survive an error of the work', async () => {
		const database = openDatabase({ url: test.url, applicationName: 'kept', maxConnections: 1 });
		const pid = () => database.query('select pg_backend_pid() as pid');
		const before = await pid();
		await rejection(database.transaction(() => Promise.reject(new Error('refused by a rule'))));
		await rejection(database.query('select 1/0'));
		expect(await pid()).toEqual(before);
		expect(database.connections?.().failures).toBe(0);
		await database.close();
	});

	it('fail with an unavailability that names no password when there is no server', async () => {
		const database = openDatabase({
			url: 'postgres://someone:s3cret@127.0.0.1:1/nothing',
			applicationName: 'lost',
		});
		const error = await rejection(database.query('select 1'));
		expect(isUnavailable(error)).toBe(true);
		expect(database.connections?.().failures).toBe(1);
		expect(String(error) + JSON.stringify(error)).not.toContain('s3cret');
		await database.close();
	});

	it('need a PostgreSQL URL', () => {
		expect(() => openDatabase({ url: 'mysql://u:s3cret@h/d', applicationName: 'x' })).toThrow(TypeError);
		expect(() => openDatabase({ url: 'mysql://u:s3cret@h/d', applicationName: 'x' })).not.toThrow('s3cret');
	});

	it('close twice without harm', async () => {
		const database = openDatabase({ url: test.url, applicationName: 'closing' });
		await database.query('select 1');
		await Promise.all([database.close(), database.close()]);
		await expect(database.query('select 1')).rejects.toThrow();
	});
});
