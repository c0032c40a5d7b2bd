import { expect, it } from 'vitest';
import { bisect } from './bisect.ts';

class Poison extends Error {}

async function run(items: readonly number[], culprits: readonly number[]) {
	const kept: number[] = [];
	const refused: number[] = [];
	let runs = 0;
	await bisect(items, {
		work: async (part) => {
			runs += 1;
			if (part.some((item) => culprits.includes(item))) throw new Poison();
			kept.push(...part);
		},
		isPoison: (error) => error instanceof Poison,
		refuse: (item) => refused.push(item),
	});
	return { kept, refused, runs };
}

const hundred = Array.from({ length: 100 }, (_, i) => i);

it.each([
	['none', []],
	['the first', [0]],
	['the last', [99]],
	['two neighbours', [41, 42]],
	['every third', hundred.filter((i) => i % 3 === 0)],
	['all', hundred],
])('refuses %s and keeps the others in their order', async (_, culprits) => {
	const { kept, refused } = await run(hundred, culprits);
	expect(refused).toEqual(culprits);
	expect(kept).toEqual(hundred.filter((i) => !culprits.includes(i)));
});

it('finds one culprit among many in few runs', async () => {
	const { runs } = await run(hundred, [77]);
	expect(runs).toBeLessThanOrEqual(1 + 2 * Math.ceil(Math.log2(100)));
});

it('passes on what is nobody in the batch to blame for', async () => {
	const work = async () => {
		throw new Error('the disk is full');
	};
	const refuse = () => {
		throw new Error('nobody is to blame');
	};
	await expect(bisect([1, 2, 3], { work, isPoison: () => false, refuse })).rejects.toThrow('the disk is full');
});
