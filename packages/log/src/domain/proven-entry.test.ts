import { DomainError } from '@chancery/chassis/domain-error';
import { hashLeaf, hashNode } from '@chancery/core/merkle';
import { TlogError, type TlogErrorCode } from '@chancery/tlog/tlog-error';
import { describe, expect, it } from 'vitest';
import { V1_ERRORS, V2_ERRORS } from '../errors.ts';
import { askEngine } from './engine-errors.ts';
import { checkedEntry } from './proven-entry.ts';

const leaves = [Uint8Array.of(1), Uint8Array.of(2)];
const [left, right] = leaves.map((leaf) => hashLeaf(leaf)) as [Uint8Array, Uint8Array];
const entry = {
	index: 1,
	timestampMs: 0,
	leaf: leaves[1]!,
	leafHash: right,
	receipt: null,
	publication: { size: 2, root: hashNode(left, right), timestampMs: 0, note: new Uint8Array() },
	proof: [left],
};

describe('an entry that is about to be answered', () => {
	it('passes with a proof that leads to its checkpoint', () => {
		expect(checkedEntry(entry)).toBe(entry);
	});

	it.each([
		['another index', { index: 0 }],
		['another leaf', { leafHash: left }],
		['another size', { publication: { ...entry.publication, size: 3 } }],
		['another root', { publication: { ...entry.publication, root: left } }],
		['no proof', { proof: [] }],
	])('is held back with %s', (_, change) => {
		expect(() => checkedEntry({ ...entry, ...change })).toThrow(DomainError);
		expect(() => checkedEntry({ ...entry, ...change })).toThrow(/proof-failed/);
	});
});

describe('what the engine refuses', () => {
	const refuse = (code: TlogErrorCode) =>
		askEngine(() => Promise.reject(new TlogError(code, 'why', { retryAfterSeconds: 7 }))).catch((error) => error);

	it.each([
		['overloaded', 'overloaded'],
		['read-only', 'log-read-only'],
		['entry-refused', 'entry-refused'],
		['clock-skew', 'clock-skew'],
		['clock-lead', 'clock-lead'],
		['unavailable', 'unavailable'],
	] as const)('as %s is told as %s', async (theirs, ours) => {
		expect(await refuse(theirs)).toMatchObject({
			name: 'DomainError',
			code: ours,
			detail: 'why',
			retryAfterSeconds: 7,
		});
	});

	it.each(['identity-mismatch', 'out-of-range'] as const)('as %s is our own mistake', async (code) => {
		expect(await refuse(code)).toBeInstanceOf(TlogError);
	});

	it('has a status on both wires', () => {
		for (const code of ['log-read-only', 'entry-refused', 'clock-skew', 'clock-lead', 'proof-failed'] as const) {
			expect(V1_ERRORS[code].status).toBe(V2_ERRORS[code].status);
		}
	});
});
