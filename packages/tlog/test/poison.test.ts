import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewEntry } from '../src/entry.ts';
import { type SearchKey, searchKey } from '../src/search-key.ts';
import { audit, auditAnswer, createWorld, digest, textEntry, type World } from './log-world.ts';

let world: World;
beforeAll(async () => {
	world = await createWorld();
});
afterAll(() => world.end());

const key = (text: string): SearchKey => ({ kind: 'email', hash: new Uint8Array(32), text });
const encodes = (name: string, encode: NewEntry['encode']): NewEntry => ({
	identity: digest(Buffer.from(name)),
	encode,
});

/** What an attacker can get as far as the engine, or a careless service. */
const POISON: readonly (readonly [what: string, entry: NewEntry, reason: RegExp])[] = [
	['a text with NUL', textEntry('nul', [key('a\0b@example.com')]), /SQLSTATE 22021/],
	['a text beyond the index', textEntry('long', [key('x'.repeat(4096))]), /SQLSTATE 23514/],
	['a kind with NUL', textEntry('kind', [{ kind: 'a\0b', hash: new Uint8Array(32) }]), /SQLSTATE 22/],
	['half a surrogate pair', textEntry('surrogate', [key('\ud800')]), /UTF-8/],
	['a search key of the wrong length', textEntry('short', [{ kind: 'k', hash: new Uint8Array(31) }]), /not 32 bytes/],
	['a leaf beyond the bundle', textEntry('y'.repeat(65_536)), /65536 bytes, 65535 is the limit/],
	['an identity of 4 kB', { ...textEntry('identity'), identity: new Uint8Array(4096) }, /has 32 bytes/],
	[
		'an encoder that throws',
		encodes('throws', () => {
			throw new Error('no such certificate');
		}),
		/no such certificate/,
	],
];

describe('an entry that cannot be stored', () => {
	it.each(POISON)('with %s is refused alone', async (what, poison, reason) => {
		const { log, close } = await world.open();
		const before = (await audit(world.database)).leaves.length;
		const good = Array.from({ length: 20 }, (_, i) => log.submit(textEntry(`beside ${what} ${i}`)));
		const refused = expect(log.submit(poison)).rejects.toMatchObject({ code: 'entry-refused', detail: reason });
		good.push(...Array.from({ length: 21 }, (_, i) => log.submit(textEntry(`behind ${what} ${i}`))));
		await refused;
		const answers = await Promise.all(good);
		const { leaves, tree } = await audit(world.database);
		expect(leaves).toHaveLength(before + 41);
		expect(answers.map((answer) => auditAnswer(answer, tree)).filter(Boolean)).toEqual([]);
		expect(log.health().writable).toBe(true);
		await close();
	});

	it('is refused alone also among its like', async () => {
		const { log } = await world.open();
		const results = await Promise.allSettled(
			Array.from({ length: 60 }, (_, i) => log.submit(textEntry(`like ${i}`, i % 3 === 0 ? [key(`\0${i}`)] : []))),
		);
		expect(results.map(({ status }) => status === 'fulfilled')).toEqual(results.map((_, i) => i % 3 !== 0));
		await audit(world.database);
	});
});

describe('search keys', () => {
	it('find entries by hash, newest first, page by page, and keep their texts', async () => {
		const { log } = await world.open();
		const texts = ['ann@example.com', 'Zoe@example.com', 'ann@example.org', 'añn@example.com', 'ann'];
		const answers: number[] = [];
		for (const text of texts) {
			const keys = [searchKey('mail', text, { prefix: true }), searchKey('mail', text), searchKey('all', 'x')];
			answers.push((await log.submit(textEntry(`mail of ${text}`, keys))).index);
		}
		const [first] = answers;
		const find = async (key: SearchKey, page: { before?: number; limit: number } = { limit: 100 }) =>
			(await log.search({ keys: [key], match: 'any', ...page })).entries.map(({ index }) => index);
		expect(await find(searchKey('mail', 'ann@example.com'))).toEqual([first]);
		expect(await find({ ...searchKey('mail', 'ann@example.com'), kind: 'other' })).toEqual([]);
		const stored = await world.database.query<{ prefix_text: string }>(
			'select prefix_text from engine.tlog_search_keys where prefix_text is not null and index = any($1) order by index',
			[answers],
		);
		expect(stored.map((row) => row.prefix_text)).toEqual(texts);
		const all = searchKey('all', 'x');
		const page = await find(all, { limit: 2 });
		expect(page).toEqual([answers[4], answers[3]]);
		expect(await find(all, { limit: 2, before: page[1]! })).toEqual([answers[2], answers[1]]);
	});
});
