import { utf8 } from '@chancery/core/bytes';
import { expect, it } from 'vitest';
import { IN_TOTO_PAYLOAD_TYPE, inTotoDigests } from './in-toto-digests.ts';

const statement = (files: number) =>
	utf8(
		JSON.stringify({
			subject: [{ name: 'image', digest: { sha256: '0'.repeat(64) } }],
			predicate: { files: Array.from({ length: files }, (_, i) => ({ name: `file ${i}`, size: i })) },
		}),
	);

it('finds the digests of a statement with a bill of ten thousand files', () => {
	expect(inTotoDigests(IN_TOTO_PAYLOAD_TYPE, statement(10_000))).toHaveLength(1);
});

it('does not read a statement of a million values', () => {
	expect(inTotoDigests(IN_TOTO_PAYLOAD_TYPE, statement(500_000))).toEqual([]);
});
