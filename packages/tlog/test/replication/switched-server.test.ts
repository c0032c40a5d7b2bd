/**
 * The connection comes to lead to another history between two steps of one submission: a stale server took over, and
 * others have written to it since. The mark cannot tell, because nothing that was lost had been published.
 */
import { randomBytes } from 'node:crypto';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { BatchHooks } from '../../src/hooks.ts';
import { openLog } from '../../src/log/log.ts';
import {
	audit,
	auditAnswer,
	createWorld,
	IDENTITY,
	SCHEMA,
	SharedMark,
	same,
	signHead,
	textEntry,
	type World,
} from '../log-world.ts';
import { NaiveTree, naiveLeafHash } from '../naive-tree.ts';

const BEFORE = 5;
const OTHERS = 8;

let world: World;
let copyUrl: string;
const databases: Database[] = [];
beforeEach(async () => {
	world = await createWorld();
	const { log, close } = await world.open();
	for (let i = 0; i < BEFORE; i++) await log.submit(textEntry(`before ${i}`));
	await close();
	copyUrl = await copyDatabase();
});
afterEach(async () => {
	const name = new URL(copyUrl).pathname.slice(1);
	await world.end();
	for (const database of databases.splice(0)) await database.close();
	await administer(`drop database ${name} with (force)`);
});

function connect(url: string): Database {
	const database = openDatabase({ url, applicationName: 'switched', maxConnections: 4 });
	databases.push(database);
	return database;
}

async function administer(statement: string): Promise<void> {
	const url = new URL(world.url);
	url.pathname = '/postgres';
	const server = openDatabase({ url: url.href, applicationName: 'copies', maxConnections: 1 });
	try {
		await vi.waitFor(() => server.query(statement), { timeout: 5_000 });
	} finally {
		await server.close();
	}
}

async function copyDatabase(): Promise<string> {
	const copy = new URL(world.url);
	const source = copy.pathname.slice(1);
	const name = `copy_${randomBytes(8).toString('hex')}`;
	const admin = new URL(world.url);
	admin.pathname = '/postgres';
	const server = openDatabase({ url: admin.href, applicationName: 'copies', maxConnections: 1 });
	await server.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [source]);
	await vi.waitFor(() => server.query(`create database ${name} template ${source}`), { timeout: 5_000 });
	await server.close();
	copy.pathname = `/${name}`;
	return copy.href;
}

/** Integrates entries that nobody publishes, as a process does whose signer is away. */
async function integrate(url: string, texts: readonly string[]): Promise<void> {
	const mark = new SharedMark();
	mark.mark = world.mark.mark;
	const { log, close } = await world.open({
		database: connect(url),
		mark,
		signHead: async () => {
			throw new Error('the key is away');
		},
		limits: { submitTimeoutMs: 300 },
	});
	await Promise.allSettled(texts.map((text) => log.submit(textEntry(text))));
	await close();
}

const others = Array.from({ length: OTHERS }, (_, i) => `other ${i}`);

it.each([
	['afterCommit', OTHERS],
	// As many as there are of ours, at the very same places.
	['afterCommit', 3],
	['afterSign', OTHERS],
	['beforePublish', OTHERS],
] as const)(
	'at %s, before %i others: nobody is given the entry of somebody else, nor a receipt for it',
	async (moment, count) => {
		const copy = connect(copyUrl);
		const there = others.slice(0, count);
		await integrate(copyUrl, there);
		const primary = connect(world.url);
		let current = primary;
		let isArmed = false;
		const hooks: BatchHooks = {
			[moment]: () => {
				if (!isArmed) return;
				isArmed = false;
				current = copy;
				// The transaction on the old server ends with it.
				if (moment === 'beforePublish') throw new Error('the server is gone');
			},
		};
		const database: Database = {
			query: (text, values) => current.query(text, values),
			transaction: (work) => current.transaction(work),
			close: async () => undefined,
		};
		const { log, close } = await world.open({ database, hooks, limits: { submitTimeoutMs: 3_000 } });
		isArmed = true;
		const texts = ['mine 0', 'mine 1', 'mine 2'];
		const first = await Promise.allSettled(texts.map((text) => log.submit(textEntry(text))));
		for (const attempt of first)
			expect(attempt).toMatchObject({
				status: 'rejected',
				reason: { code: 'unavailable', retryAfterSeconds: expect.any(Number) },
			});
		const again = await Promise.all(texts.map((text) => log.submit(textEntry(text))));
		await close();

		const { leaves, tree, publishedSize } = await audit(copy);
		expect(leaves.slice(BEFORE).toSorted()).toEqual([...there, ...texts].toSorted());
		expect(publishedSize).toBe(leaves.length);
		again.forEach((answer, i) => {
			expect(auditAnswer(answer, tree)).toBeUndefined();
			expect(answer.duplicate).toBe(false);
			expect(leaves[answer.index]).toBe(texts[i]);
		});
		const receipts = await copy.query<{ index: number; timestamp_ms: number; receipt: Buffer }>(
			`select index, timestamp_ms, receipt from ${SCHEMA}.tlog_receipts join ${SCHEMA}.tlog_entries using (log_id, index)`,
		);
		for (const { index, timestamp_ms, receipt } of receipts)
			expect(receipt.toString()).toMatch(new RegExp(`^${index} ${timestamp_ms} `));
		expect(world.mark.mark?.size).toBe(publishedSize);
	},
);

it('a repeat is not answered with what stands in its place on the other server', async () => {
	const copy = connect(copyUrl);
	await integrate(copyUrl, others);
	const primary = connect(world.url);
	await integrate(world.url, ['repeated']);
	let current = primary;
	let isArmed = false;
	const { log, close } = await world.open({
		database: {
			query: (text, values) => current.query(text, values),
			transaction: (work) => current.transaction(work),
			close: async () => undefined,
		},
		// The entry is found at an index that is not published yet; nobody can publish it here any more.
		signHead: async (head) => {
			if (current === primary) throw new Error('the key is away');
			return signHead(head);
		},
		hooks: {
			afterCommit: () => {
				if (isArmed) current = copy;
			},
		},
		limits: { submitTimeoutMs: 3_000 },
	});
	isArmed = true;
	await expect(log.submit(textEntry('repeated'))).rejects.toMatchObject({ code: 'unavailable' });
	const again = await log.submit(textEntry('repeated'));
	expect(again.duplicate).toBe(false);
	const { leaves, tree } = await audit(copy);
	expect(leaves[again.index]).toBe('repeated');
	expect(auditAnswer(again, tree)).toBeUndefined();
	await close();
});

it('a head that was signed on one server is not published on another that does not contain it', async () => {
	const copy = connect(copyUrl);
	await integrate(copyUrl, others);
	let current = connect(world.url);
	let isArmed = false;
	const log = await openLog({
		database: {
			query: (text, values) => current.query(text, values),
			transaction: (work) => current.transaction(work),
			close: async () => undefined,
		},
		schema: SCHEMA,
		identity: IDENTITY,
		mark: world.mark,
		clock: Date.now,
		signHead,
		hooks: {
			afterSign: () => {
				if (isArmed) current = copy;
			},
		},
		limits: { submitTimeoutMs: 3_000 },
	});
	isArmed = true;
	await expect(log.submit(textEntry('mine'))).rejects.toMatchObject({ code: 'unavailable' });
	await log.submit(textEntry('mine'));
	await log.close();
	const entries = await copy.query<{ leaf: Buffer }>(`select leaf from ${SCHEMA}.tlog_entries order by index`);
	const tree = new NaiveTree(entries.map(({ leaf }) => naiveLeafHash(leaf)));
	const [published] = await copy.query<{ size: number; root: Buffer }>(
		`select size, root from ${SCHEMA}.tlog_published`,
	);
	expect(published?.size).toBe(BEFORE + OTHERS + 1);
	expect(same(published!.root, tree.root(published!.size))).toBe(true);
	expect(same(world.mark.mark!.root, tree.root(world.mark.mark!.size))).toBe(true);
});
