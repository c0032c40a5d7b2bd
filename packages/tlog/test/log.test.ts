import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLog } from '../src/log/create-log.ts';
import { TlogError } from '../src/tlog-error.ts';
import { audit, auditAnswer, createWorld, digest, IDENTITY, SCHEMA, textEntry, type World } from './log-world.ts';
import { NaiveTree } from './naive-tree.ts';

let world: World;
beforeAll(async () => {
	world = await createWorld();
});
afterAll(() => world.end());

describe('one replica', () => {
	it('publishes an empty tree when it opens for the first time', async () => {
		const { log } = await world.open();
		const publication = await log.published();
		expect(publication.size).toBe(0);
		expect(publication.root).toEqual(new NaiveTree([]).root(0));
		expect(world.mark.mark?.size).toBe(0);
		expect(log.health()).toMatchObject({ writable: true, publishedSize: 0, waiting: 0, unpublished: 0 });
	});

	it('answers each entry with index, receipt, checkpoint and a proof that an independent tree confirms', async () => {
		const { log } = await world.open();
		const answers = await Promise.all(Array.from({ length: 700 }, (_, i) => log.submit(textEntry(`first ${i}`))));
		const one = await log.submit(textEntry('alone'));
		const { tree, publishedSize } = await audit(world.database);
		expect(publishedSize).toBe(701);
		expect(new Set(answers.map((answer) => answer.index)).size).toBe(700);
		expect([...answers, one].map((answer) => auditAnswer(answer, tree)).filter(Boolean)).toEqual([]);
		expect([...answers, one].every((answer) => !answer.duplicate && answer.receipt !== null)).toBe(true);
		expect(world.mark.mark?.size).toBe(701);
	});

	it('answers a repeat with everything of the first, after a restart too', async () => {
		const first = await (await world.open()).log.submit(textEntry('once'));
		const { log } = await world.open();
		const again = await log.submit(textEntry('once'));
		expect(again).toMatchObject({
			index: first.index,
			timestampMs: first.timestampMs,
			leaf: first.leaf,
			leafHash: first.leafHash,
			duplicate: true,
		});
		expect(again.receipt).toEqual(first.receipt);
	});

	it('answers repeats while the first is still in flight', async () => {
		const { log } = await world.open();
		const answers = await Promise.all(Array.from({ length: 50 }, () => log.submit(textEntry('many at once'))));
		expect(new Set(answers.map((answer) => answer.index)).size).toBe(1);
		expect(answers.filter((answer) => !answer.duplicate)).toHaveLength(1);
		expect(new Set(answers.map((answer) => String(answer.receipt))).size).toBe(1);
		await audit(world.database);
	});

	it('takes the identity and not the leaf as what makes a repeat', async () => {
		const { log } = await world.open();
		const identity = digest(Buffer.from('the same certificate'));
		const encode = (index: number, timestampMs: number) => ({
			leaf: new TextEncoder().encode(`leaf ${index} at ${timestampMs}`),
			extra: new TextEncoder().encode('chain'),
			searchKeys: [],
		});
		const first = await log.submit({ identity, encode });
		const again = await log.submit({ identity, encode });
		expect(Buffer.from(first.leaf).toString()).toBe(`leaf ${first.index} at ${first.timestampMs}`);
		expect(again.duplicate).toBe(true);
		expect(again.leaf).toEqual(first.leaf);
		expect(Buffer.from(again.extra!).toString()).toBe('chain');
		expect(await log.findByLeafHash(first.leafHash)).toBe(first.index);
	});

	it('never gives a time before the last one, and refuses when the clock is more than a second behind', async () => {
		let now = Date.now() + 500_000;
		const { log } = await world.open({ clock: () => now, drivesBothClocks: true });
		const first = await log.submit(textEntry('at its time'));
		now -= 900;
		const second = await log.submit(textEntry('a little earlier'));
		expect(second.timestampMs).toBe(first.timestampMs);
		now -= 200;
		await expect(log.submit(textEntry('too early'))).rejects.toMatchObject({ code: 'clock-lead' });
		now += 200;
		await expect(log.submit(textEntry('too early'))).resolves.toMatchObject({ duplicate: false });
		await audit(world.database);
	});
});

describe('what a log is', () => {
	it('is created once, and again only as the same', async () => {
		expect(await createLog(world.database, SCHEMA, IDENTITY)).toBe('exists');
		await expect(createLog(world.database, SCHEMA, { ...IDENTITY, origin: 'other.example' })).rejects.toMatchObject({
			code: 'identity-mismatch',
			detail: expect.stringMatching(/'log.example\/tested'.*'other.example'/),
		});
	});

	it.each([
		['origin', { origin: 'other.example' }],
		['treeId', { treeId: '77' }],
		['wire', { wire: 'rekor-v1' as const }],
		['codec', { codec: 'static-ct' as const }],
		['publicKey', { publicKey: Uint8Array.of(1, 2, 3) }],
		['mode', { mode: 'production' as const }],
	])('does not open under another %s', async (field, change) => {
		await expect(world.open({ identity: { ...IDENTITY, ...change } })).rejects.toMatchObject({
			code: 'identity-mismatch',
			detail: expect.stringContaining(field),
		});
	});

	it('does not open when it was never created', async () => {
		await expect(world.open({ identity: { ...IDENTITY, logId: 'absent' } })).rejects.toThrow(TlogError);
	});

	it('stands beside another log in one schema without touching it', async () => {
		const identity = { ...IDENTITY, logId: 'beside' };
		await createLog(world.database, SCHEMA, identity);
		const { log } = await world.open({ identity, mark: new (world.mark.constructor as new () => typeof world.mark)() });
		const answer = await log.submit(textEntry('first 0'));
		expect(answer).toMatchObject({ index: 0, duplicate: false });
		await audit(world.database, SCHEMA, 'beside');
	});
});

describe('stored rows', () => {
	it.each(['tlog_entries', 'tlog_receipts', 'tlog_tiles', 'tlog_identities', 'tlog_logs'])(
		'of %s cannot be changed or removed',
		async (table) => {
			await expect(world.database.query(`update ${SCHEMA}.${table} set log_id = 'x'`)).rejects.toThrow(/never changed/);
			await expect(world.database.query(`delete from ${SCHEMA}.${table}`)).rejects.toThrow(/never changed/);
		},
	);

	it.each(['tlog_heads', 'tlog_published'])('of %s cannot go back', async (table) => {
		await expect(world.database.query(`update ${SCHEMA}.${table} set size = 3`)).rejects.toThrow(/cannot go/);
		const root = `'\\x${'00'.repeat(32)}'`;
		await expect(world.database.query(`update ${SCHEMA}.${table} set root = ${root}`)).rejects.toThrow(/cannot go/);
		await expect(world.database.query(`delete from ${SCHEMA}.${table}`)).rejects.toThrow(/never removed/);
	});
});
