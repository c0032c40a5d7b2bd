import { describe, expect, it } from 'vitest';
import { brokenRule, matchesPattern } from './claim-rule.ts';

describe('a pattern', () => {
	it.each([
		['octo-org', 'octo-org', true],
		['octo-org', 'octo-org-evil', false],
		['octo-org', 'evil-octo-org', false],
		['octo-org', 'Octo-Org', false],
		['octo-org/*', 'octo-org/app', true],
		['octo-org/*', 'octo-org/app/more', false],
		['octo-org/*', 'octo-org', false],
		['octo-org/*', 'octo-org/', true],
		['*@example.com', 'ada@example.com', true],
		['*@example.com', 'ada@example.com.evil', false],
		['*@example.com', 'ada@evil/x@example.com', false],
		['*', 'anything', true],
		['*', 'any/thing', false],
		['refs/heads/release-*', 'refs/heads/release-1.2', true],
		['a*b*c', 'a-b-c', true],
		['a*b*c', 'abc', true],
		['a*b*c', 'ac', false],
		['a*b*c', 'acb', false],
		['ab*ba', 'aba', false],
		['a*a*a', 'aa', false],
		['a.c', 'abc', false],
		['[a-z]+', 'abc', false],
		['**', 'ab', true],
	] as const)('%s against %s is %s', (pattern, value, expected) => {
		expect(matchesPattern(pattern, value)).toBe(expected);
	});

	it('agrees with the plain definition on many short texts', () => {
		const alphabet = ['a', 'b', '/', '*'];
		const words = [''];
		for (let from = 0; words.length < 700; from++) for (const c of alphabet) words.push(words[from] + c);
		const values = words.filter((word) => !word.includes('*'));
		for (const pattern of words) {
			const defined = new RegExp(`^${pattern.replace(/[*/]/g, (c) => (c === '*' ? '[^/]*' : '/'))}$`);
			for (const value of values)
				expect(matchesPattern(pattern, value), `${pattern} ${value}`).toBe(defined.test(value));
		}
	});
});

describe('rules', () => {
	const rules = [
		{ claim: 'repository_owner', anyOf: ['octo-org', 'octo-lab'] },
		{ claim: 'private', anyOf: ['false'] },
		{ claim: 'owner_id', anyOf: ['65'] },
	];
	const claims = { repository_owner: 'octo-lab', private: false, owner_id: 65 };

	it('hold when each finds its value, also when that is no text', () => {
		expect(brokenRule(claims, rules)).toBeUndefined();
	});

	it.each([
		['another value', { ...claims, repository_owner: 'evil' }, 'repository_owner'],
		['a missing claim', { private: false, owner_id: 65 }, 'repository_owner'],
		['a list in the place of a text', { ...claims, repository_owner: ['octo-org'] }, 'repository_owner'],
		['an object', { ...claims, owner_id: { toString: () => '65' } }, 'owner_id'],
		[
			'an inherited claim',
			Object.assign(Object.create({ owner_id: 65 }), { repository_owner: 'octo-org', private: false }),
			'owner_id',
		],
	])('are broken by %s', (_name, given, claim) => {
		expect(brokenRule(given as never, rules)?.claim).toBe(claim);
	});
});
