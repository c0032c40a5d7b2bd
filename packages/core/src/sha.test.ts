import { createHash } from 'node:crypto';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from './bytes.ts';
import { digest, digestLength, type HashAlgorithm, sha256, sha384, sha512, startDigest } from './sha.ts';
import * as native from './sha2-native.ts';
import * as portable from './sha2-portable.ts';

const NODE_NAMES = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' } as const;
const ALGORITHMS = Object.keys(NODE_NAMES) as HashAlgorithm[];

const BOTH = {
	SHA2_256: [native.sha256, portable.sha256],
	SHA2_384: [native.sha384, portable.sha384],
	SHA2_512: [native.sha512, portable.sha512],
} as const;

describe('SHA-2', () => {
	it('hashes "abc" as FIPS 180-4 says', () => {
		expect(toHex(sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
		expect(toHex(sha384(utf8('abc'))).slice(0, 32)).toBe('cb00753f45a35e8bb5a03d699ac65007');
		expect(toHex(sha512(utf8('abc'))).slice(0, 32)).toBe('ddaf35a193617abacc417349ae204131');
	});

	it.each(ALGORITHMS)('%s agrees with OpenSSL at every length around a block', (algorithm) => {
		const random = new SeededRandom(4);
		for (let length = 0; length < 300; length++) {
			const bytes = random.bytes(length);
			const judged = createHash(NODE_NAMES[algorithm]).update(bytes).digest('hex');
			expect(toHex(digest(algorithm, bytes))).toBe(judged);
			expect(digest(algorithm, bytes)).toHaveLength(digestLength(algorithm));
			const cut = random.below(length + 1);
			const pieces = startDigest(algorithm).update(bytes.subarray(0, cut)).update(bytes.subarray(cut));
			expect(toHex(pieces.digest())).toBe(judged);
		}
	});

	it.each(ALGORITHMS)('%s is the same function in Node and in a browser', (algorithm) => {
		const [native, portable] = BOTH[algorithm];
		const random = new SeededRandom(5);
		for (const length of [...Array(300).keys(), 65_536]) {
			const bytes = random.bytes(length);
			const hashed = native(bytes);
			expect(toHex(hashed)).toBe(toHex(portable(bytes)));
			expect(hashed.constructor).toBe(Uint8Array);
		}
	});

	it('is that of OpenSSL here', () => {
		expect(sha256).toBe(native.sha256);
	});
});
