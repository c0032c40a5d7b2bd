import { CommitUnknownError } from '@chancery/postgres/pg-errors';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database, Sql } from '@chancery/postgres/sql';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BatchHooks } from '../src/hooks.ts';
import { audit, auditAnswer, createWorld, SCHEMA, signHead, textEntry, type World } from './log-world.ts';

let world: World;
let real: Database;
beforeEach(async () => {
	world = await createWorld();
	real = openDatabase({ url: world.url, applicationName: 'failing', maxConnections: 4 });
});
afterEach(async () => {
	await world.end();
	await real.close();
});

type Failure = (
	transaction: (work: (sql: Sql) => Promise<unknown>) => Promise<unknown>,
	work: (sql: Sql) => Promise<unknown>,
) => Promise<unknown>;

/** The database, of which the next transactions fail in the given ways. */
function failing(failures: Failure[]): Database {
	return {
		query: (text, values) => real.query(text, values),
		transaction: async <T>(work: (sql: Sql) => Promise<T>) => {
			const failure = failures.shift();
			if (!failure) return real.transaction(work);
			return (await failure((inner) => real.transaction(inner), work)) as T;
		},
		close: async () => undefined,
	};
}

const answerLost: Failure = async (transaction, work) => {
	await transaction(work);
	throw new CommitUnknownError('the answer got lost');
};
const commitLost: Failure = async (transaction, work) => {
	await transaction(async (sql) => {
		await work(sql);
		throw new CommitUnknownError('the COMMIT got lost');
	});
};
const raised =
	(state: string): Failure =>
	(transaction, work) =>
		transaction(async (sql) => {
			await work(sql);
			await sql.query(`do $$ begin raise exception 'on purpose' using errcode = '${state}'; end $$`);
		});
const connectionKilled: Failure = (transaction, work) =>
	transaction(async (sql) => {
		await work(sql);
		const [row] = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
		await real.query('select pg_terminate_backend($1)', [row!.pid]);
	});

describe('a batch', () => {
	it.each([
		['the answer to its COMMIT is lost', answerLost],
		['its COMMIT is lost', commitLost],
		['it cannot be serialized', raised('40001')],
		['it is the victim of a deadlock', raised('40P01')],
		['it waits too long for a lock', raised('55P03')],
		['the server has become a standby', raised('25006')],
		['the server is out of memory', raised('53200')],
		['its connection dies', connectionKilled],
	])('is stored exactly once when %s', async (_, failure) => {
		const failures: Failure[] = [];
		const { log } = await world.open({ database: failing(failures) });
		await log.submit(textEntry('before'));
		failures.push(failure);
		const answers = await Promise.all([1, 2, 3].map((i) => log.submit(textEntry(`entry ${i}`))));
		const { leaves, tree } = await audit(real);
		expect(leaves).toHaveLength(4);
		expect(answers.map((answer) => auditAnswer(answer, tree)).filter(Boolean)).toEqual([]);
		// Whoever stored it was this very submission, also when a second look was needed to know.
		expect(answers.map((answer) => answer.duplicate)).toEqual([false, false, false]);
		expect(failures).toEqual([]);
		// What was in memory before is not built upon.
		expect(await log.submit(textEntry('after'))).toMatchObject({ index: 4, duplicate: false });
	});

	it.each([
		['is not one that passes', '42501'],
		['is a full disk, which passes when somebody makes room', '53100'],
	])('is refused without another try when the failure %s', async (_, state) => {
		const failures: Failure[] = [];
		const { log } = await world.open({ database: failing(failures) });
		failures.push(raised(state));
		await expect(log.submit(textEntry('entry'))).rejects.toMatchObject({
			code: 'unavailable',
			retryAfterSeconds: expect.any(Number),
		});
		expect(await log.submit(textEntry('entry'))).toMatchObject({ index: 0, duplicate: false });
	});
});

describe('a publication', () => {
	it.each([
		['the answer to its COMMIT is lost', answerLost],
		['its COMMIT is lost', commitLost],
		['it cannot be serialized', raised('40001')],
		['its connection dies', connectionKilled],
	])('happens exactly once when %s', async (_, failure) => {
		const failures: Failure[] = [];
		const { log } = await world.open({ database: failing(failures) });
		await log.submit(textEntry('before'));
		// The batch goes well, the transaction after it is the publication's.
		failures.push((transaction, work) => transaction(work), failure);
		const answer = await log.submit(textEntry('entry'));
		const { tree } = await audit(real);
		expect(auditAnswer(answer, tree)).toBeUndefined();
		expect(failures).toEqual([]);
	});

	it('waits for a signer that is away; its entries are found by the next try', async () => {
		let signing = true;
		const { log } = await world.open({
			signHead: async (head) => {
				if (!signing) throw new Error('the key is away');
				return signHead(head);
			},
			limits: { submitTimeoutMs: 300 },
		});
		signing = false;
		await expect(log.submit(textEntry('entry'))).rejects.toMatchObject({
			code: 'unavailable',
			retryAfterSeconds: expect.any(Number),
		});
		expect(log.health()).toMatchObject({ writable: false, detail: 'the key is away', unpublished: 1, waiting: 0 });
		expect((await log.published()).size).toBe(0);
		signing = true;
		const again = await vi.waitFor(() => log.submit(textEntry('entry')), { timeout: 10_000 });
		expect(again).toMatchObject({ index: 0, duplicate: true });
		const { tree } = await audit(real);
		expect(auditAnswer(again, tree)).toBeUndefined();
	});

	it('of what a dead process left integrated is made by the next start', async () => {
		const first = await world.open({
			signReceipt: async () => {
				throw new Error('the key is away');
			},
			limits: { submitTimeoutMs: 200 },
		});
		await Promise.allSettled([1, 2, 3].map((i) => first.log.submit(textEntry(`entry ${i}`))));
		await first.close();
		const { log } = await world.open();
		expect(await log.published()).toMatchObject({ size: 3 });
		expect((await log.entry(2))?.receipt).not.toBeNull();
		await audit(real);
	});

	it('is refused when the head that was signed is not in the database', async () => {
		const { log } = await world.open();
		await log.submit(textEntry('entry'));
		const next = { size: 900, root: new Uint8Array(32), timestampMs: Date.now(), note: new Uint8Array(1) };
		const { replacePublication } = await import('../src/store/publications.ts');
		const { logTables } = await import('../src/store/log-tables.ts');
		const seen = await log.published();
		expect(await replacePublication(real, logTables(SCHEMA, 'tested'), seen, next)).toBe(false);
		expect(await replacePublication(real, logTables(SCHEMA, 'tested'), { ...seen, size: 0 }, seen)).toBe(false);
	});
});

describe('a failure in the middle', () => {
	it.each(['beforeCommit', 'afterCommit', 'afterSign', 'beforePublish', 'afterPublish', 'afterMark'] as const)(
		'at %s loses and doubles nothing',
		async (hook) => {
			let armed = false;
			const hooks: BatchHooks = {
				[hook]: () => {
					if (!armed) return;
					armed = false;
					throw new Error(`failed at ${hook}`);
				},
			};
			const { log } = await world.open({ hooks });
			await log.submit(textEntry('before'));
			armed = true;
			const texts = ['one', 'two', 'three'];
			const results = await Promise.allSettled(texts.map((text) => log.submit(textEntry(text))));
			for (const result of results)
				if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'unavailable' });
			const answers = await Promise.all(texts.map((text) => log.submit(textEntry(text))));
			const { leaves, tree, publishedSize } = await audit(real);
			expect(leaves.toSorted()).toEqual(['before', ...texts].toSorted());
			expect(publishedSize).toBe(4);
			expect(answers.map((answer) => auditAnswer(answer, tree)).filter(Boolean)).toEqual([]);
			expect(armed).toBe(false);
		},
	);
});

describe('a server that may lose what it acknowledged', () => {
	it.each([
		['synchronous_commit', 'off', /synchronous_commit is off, must be on or remote_apply/],
		['synchronous_commit', 'local', /synchronous_commit is local/],
		['default_transaction_read_only', 'on', /does not accept writes/],
	])('%s = %s makes the log read-only', async (setting, value, reason) => {
		const first = await world.open();
		await first.log.submit(textEntry('before'));
		await first.close();
		await real.query(`alter database ${new URL(world.url).pathname.slice(1)} set ${setting} = '${value}'`);
		const { log } = await world.open({ limits: { submitTimeoutMs: 1_000, heartbeatMs: 200 } });
		expect(log.health()).toMatchObject({ writable: false, detail: expect.stringMatching(reason) });
		// A standby may be followed by the primary within the time of a submission; unsafe settings are nobody's passing state.
		const expected = setting === 'synchronous_commit' ? { code: 'read-only', detail: reason } : { code: 'unavailable' };
		await expect(log.submit(textEntry('entry'))).rejects.toMatchObject(expected);
		expect((await log.published()).size).toBe(1);
	});
});
