/** One batch of 500 good entries with every kind of poison among them: only the culprits are refused. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { NewEntry } from '../../src/entry.ts';
import type { SearchKey } from '../../src/search-key.ts';
import { audit, auditAnswer, createWorld, digest, textEntry, type World } from '../log-world.ts';

const GOOD = 500;

let world: World;
beforeAll(async () => {
	world = await createWorld();
});
afterAll(() => world.end());

const key = (text: string): SearchKey => ({ kind: 'subject', hash: new Uint8Array(32), text });
const encoding = (name: string, encode: NewEntry['encode']): NewEntry => ({
	identity: digest(Buffer.from(name)),
	encode,
});

const POISON: readonly (readonly [what: string, entry: NewEntry])[] = [
	['a name with NUL', textEntry('nul', [key('admin\0@example.com')])],
	['a name of 4 kB', textEntry('long', [key('x'.repeat(4_096))])],
	['half a surrogate pair', textEntry('surrogate', [key('\ud800')])],
	['a kind with NUL', textEntry('kind', [{ kind: 'a\0b', hash: new Uint8Array(32) }])],
	['a kind of 4 kB', textEntry('long kind', [{ kind: 'k'.repeat(4_096), hash: new Uint8Array(32) }])],
	['a leaf that no bundle can hold', textEntry('y'.repeat(65_536))],
	['an identity of 4 kB', { ...textEntry('identity'), identity: new Uint8Array(4_096) }],
	[
		'an encoder that throws',
		encoding('throws', () => {
			throw new TypeError('undefined is not a certificate');
		}),
	],
];

it('500 good entries and every kind of poison in one batch', async () => {
	let batches = 0;
	const { log } = await world.open({ hooks: { beforeCommit: () => void batches++ } });
	const every = Math.floor(GOOD / POISON.length);
	const bad: Promise<unknown>[] = [];
	const good = Array.from({ length: GOOD }, (_, i) => {
		const culprit = i % every === 0 ? POISON[i / every] : undefined;
		// A promise in any case: what is found before anything is queued is thrown at once.
		if (culprit) bad.push(Promise.resolve().then(() => log.submit(culprit[1])));
		return log.submit(textEntry(`good ${i}`));
	});
	const refusals = await Promise.allSettled(bad);
	expect(
		refusals.map((result, i) => [POISON[i]![0], result.status === 'rejected' ? result.reason.code : 'stored']),
	).toEqual(POISON.map(([what]) => [what, 'entry-refused']));
	const answers = await Promise.all(good);
	const { leaves, tree } = await audit(world.database);
	expect(leaves).toHaveLength(GOOD);
	expect(answers.map((answer) => auditAnswer(answer, tree)).filter(Boolean)).toEqual([]);
	// Nobody loses its place in the order: a culprit is cut out of the batch, and those around it stay where they were.
	expect(leaves).toEqual(Array.from({ length: GOOD }, (_, i) => `good ${i}`));
	expect(batches).toBeGreaterThan(1);
	expect(log.health()).toMatchObject({ writable: true, waiting: 0 });
});
