import { describe, expect, it } from 'vitest';
import { AnswerTurns } from './answer-turns.ts';

function busy() {
	const turns = new AnswerTurns();
	const begun: string[] = [];
	const ends: (() => void)[] = [];
	const take = (client: string, name = client) =>
		turns.take(client, () => {
			begun.push(name);
			return new Promise<string>((resolve) => ends.push(() => resolve(name)));
		});
	return { take, begun, end: () => ends.shift()?.() };
}

describe('large answers', () => {
	it('are made four at a time, and clients take turns', async () => {
		const { take, begun, end } = busy();
		const all = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'b1', 'c1', 'b2'].map((name) => take(name[0] ?? '', name));
		expect(begun).toEqual(['a1', 'a2', 'a3', 'a4']);
		for (let i = 0; i < all.length; i++) {
			await expect.poll(() => begun.length).toBeGreaterThan(i);
			end();
		}
		expect(await Promise.all(all)).toHaveLength(10);
		expect(begun.slice(4)).toEqual(['a5', 'b1', 'c1', 'a6', 'b2', 'a7']);
	});

	it('that fail give their turn to the next', async () => {
		const turns = new AnswerTurns();
		const fail = () => turns.take('a', () => Promise.reject(new Error('broken')));
		const failed = await Promise.allSettled(Array.from({ length: 20 }, fail));
		expect(failed.map(({ status }) => status)).toEqual(Array(20).fill('rejected'));
		expect(await turns.take('a', () => 'made')).toBe('made');
	});

	it('are refused when too many of one client wait, and when too many wait at all', async () => {
		const { take, begun } = busy();
		const refusals: unknown[] = [];
		const ask = (client: string) => void take(client).catch((error: unknown) => refusals.push(error));
		for (let i = 0; i < 4 + 64; i++) ask('a');
		await expect(take('a')).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 1 });
		for (const client of ['b', 'c', 'd']) for (let i = 0; i < 64; i++) ask(client);
		await expect(take('e')).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 1 });
		expect(begun).toHaveLength(4);
		expect(refusals).toEqual([]);
	});
});
