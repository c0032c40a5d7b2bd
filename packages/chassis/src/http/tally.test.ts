import { expect, it } from 'vitest';
import { Tally } from './tally.ts';

it('counts by name, and a name that has nothing left is as one that was never there', () => {
	const tally = new Tally();
	tally.add('a');
	tally.add('a', 10);
	tally.add('b', 2);
	tally.take('a');
	tally.take('b', 2);
	expect(['a', 'b', 'c'].map((name) => tally.of(name))).toEqual([10, 0, 0]);
});
