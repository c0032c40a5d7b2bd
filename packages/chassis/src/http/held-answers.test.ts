import { describe, expect, it } from 'vitest';
import { HeldAnswers } from './held-answers.ts';

describe('answers that wait for their clients', () => {
	it('are bounded for all, and at half of it for one', () => {
		const held = new HeldAnswers(100, 10);
		const first = held.take('a', 50);
		expect(first).toBeDefined();
		expect(held.take('a', 11)).toBeUndefined();
		expect(held.take('b', 50)).toBeDefined();
		expect(held.take('c', 11)).toBeUndefined();
		first?.();
		expect(held.take('b', 11)).toBeUndefined();
		expect(held.take('c', 11)).toBeDefined();
		expect(held.take('a', 39)).toBeDefined();
	});

	it('that are small do not count', () => {
		const held = new HeldAnswers(100, 10);
		held.take('a', 50);
		held.take('b', 50);
		expect(held.counts(11)).toBe(true);
		expect(held.counts(10)).toBe(false);
	});

	it('that are longer than the bound go out when nothing else does', () => {
		const held = new HeldAnswers(100, 10);
		const giant = held.take('a', 500);
		expect(giant).toBeDefined();
		expect(held.take('b', 11)).toBeUndefined();
		giant?.();
		expect(held.take('b', 11)).toBeDefined();
		expect(held.take('a', 500)).toBeUndefined();
	});
});
