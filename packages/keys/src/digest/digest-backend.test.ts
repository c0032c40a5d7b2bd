import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { type CurveName, HASHES, hashWithName } from '@chancery/core/algorithms';
import { derInteger, derSequence } from '@chancery/core/der';
import { digest as digestOf, type HashAlgorithm } from '@chancery/core/sha';
import { ecSpki, parseSpki } from '@chancery/core/spki';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { KeyError } from '../key-error.ts';
import { chooseDigestBackend, defaultDigestBackend, ECDSA_BACKENDS } from './digest-backend.ts';
import type { EcdsaBackend, EcdsaQuestion } from './ecdsa-backend.ts';
import { nativeBackend } from './ecdsa-native.ts';
import { nobleBackend } from './ecdsa-noble.ts';
import { ecdsaSelfTest, KNOWN_MESSAGE, KNOWN_SIGNATURES } from './ecdsa-self-test.ts';
import { shiftedKeyBackend } from './ecdsa-shifted-key.ts';
import { bytesToNumber, CURVES, numberToBytes, readEcdsaSignature } from './ecdsa-signature.ts';
import { verifyDigest } from './verify-digest.ts';

const offered = ECDSA_BACKENDS.filter((backend) => backend.isOffered());
const der = (r: bigint, s: bigint) => derSequence(derInteger(r), derInteger(s));

interface Case {
	readonly spki: Uint8Array;
	readonly hash: HashAlgorithm;
	readonly digest: Uint8Array;
	readonly signature: Uint8Array;
}

/** What each backend answers; one word when they agree. */
function answers({ spki, hash, digest, signature }: Case): string {
	const all = offered.map((backend) => verifyDigest({ publicKey: spki, hash, digest, signature, backend }));
	return new Set(all).size === 1 ? String(all[0]) : offered.map(({ name }, i) => `${name} ${all[i]}`).join(', ');
}

describe.each<[CurveName, rounds: number]>([
	['P-256', 40],
	['P-384', 10],
	['P-521', 6],
])('on %s all backends', (curve, rounds) => {
	const { Point } = CURVES[curve];
	const { Fn, Fp } = Point;
	const n = Fn.ORDER;
	const random = new SeededRandom(curve.length * rounds);
	const scalar = () => (bytesToNumber(random.bytes(Fn.BYTES)) % (n - 1n)) + 1n;
	const hashes: readonly HashAlgorithm[] = ['SHA2_256', 'SHA2_384', 'SHA2_512'];
	const spkiOf = (point: InstanceType<typeof Point>) => ecSpki(curve, point.toBytes(false));

	/** Signatures by OpenSSL, over digests shorter and longer than the order. */
	const signed = (): Case & { r: bigint; s: bigint } => {
		const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve });
		const message = random.bytes(random.below(60));
		const hash = hashes[random.below(3)]!;
		const signature = new Uint8Array(sign(HASHES[hash].name, message, privateKey));
		const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
		return { spki, hash, digest: digestOf(hash, message), signature, ...readEcdsaSignature(curve, signature)! };
	};

	it('agree on right signatures, with either s, and on every way of spoiling them', () => {
		for (let round = 0; round < rounds; round++) {
			const good = signed();
			const { r, s } = good;
			expect(answers(good)).toBe('true');
			expect(answers({ ...good, signature: der(r, n - s) })).toBe('true');
			const spoilt: readonly (readonly [r: bigint, s: bigint])[] = [
				[s, r],
				[n - r, s],
				[r + n, s],
				[r, s + n],
				[0n, s],
				[r, 0n],
				[0n, 0n],
				[n, s],
				[r, n],
				[n - 1n, s],
				[r, n - 1n],
				[n - 1n, n - 1n],
				[1n, 1n],
				[r, 1n],
				[1n, s],
				[-r, s],
				[r, -s],
				[Fp.ORDER, s],
				[scalar(), scalar()],
			];
			for (const [otherR, otherS] of round % 4 === 0 ? spoilt : spoilt.slice(0, 4))
				expect(answers({ ...good, signature: der(otherR, otherS) }), `${otherR}, ${otherS}`).toBe('false');
			const digest = good.digest.slice();
			digest[random.below(32)]! ^= 1 << random.below(8);
			expect(answers({ ...good, digest })).toBe('false');
			expect(answers({ ...good, spki: signed().spki })).toBe('false');
		}
	});

	it('agree that bytes which are not strict DER are no signature', () => {
		const good = signed();
		const { r, s } = good;
		const body = good.signature.subarray(good.signature[1] === 0x81 ? 3 : 2);
		const padded = derSequence(Uint8Array.of(2, Fn.BYTES + 2, 0, 0, ...numberToBytes(r, Fn.BYTES)), derInteger(s));
		const wrong: Record<string, Uint8Array> = {
			nothing: new Uint8Array(),
			'an empty sequence': derSequence(),
			'one number': derSequence(derInteger(r)),
			'three numbers': derSequence(derInteger(r), derInteger(s), derInteger(s)),
			'a byte behind': Uint8Array.of(...good.signature, 0),
			'a byte behind inside': derSequence(body, Uint8Array.of(0)),
			'a long length': Uint8Array.of(0x30, 0x82, 0, body.length, ...body),
			'an open length': Uint8Array.of(0x30, 0x80, ...body, 0, 0),
			'a padded number': padded,
			'a set': Uint8Array.of(0x31, ...good.signature.subarray(1)),
			'the numbers alone': Uint8Array.of(...numberToBytes(r, Fn.BYTES), ...numberToBytes(s, Fn.BYTES)),
		};
		for (const [name, signature] of Object.entries(wrong)) expect(answers({ ...good, signature }), name).toBe('false');
	});

	it('agree that a key beside its curve, or written with coordinates beyond the prime, verifies nothing', () => {
		const good = signed();
		const info = parseSpki(good.spki);
		const point = info.algorithm === 'ec' ? info.ecPoint : new Uint8Array();
		for (let round = 0; round < 4; round++) {
			const beside = point.slice();
			beside[1 + random.below(point.length - 1)]! ^= 1 << random.below(8);
			expect(answers({ ...good, spki: ecSpki(curve, beside) })).toBe('false');
		}
		expect(answers({ ...good, spki: ecSpki(curve, new Uint8Array(point.length).fill(0).with(0, 4)) })).toBe('false');
	});

	it('agree that an x which is written with the prime added is no key, though the point would be right', () => {
		const { made, q } = fieldHasRoom ? signedByOpenSsl() : signedByNobody();
		expect(answers(made)).toBe('true');
		const written = q.toBytes(false).slice();
		written.set(numberToBytes(q.toAffine().x + Fp.ORDER, Fp.BYTES), 1);
		expect(answers({ ...made, spki: ecSpki(curve, written) })).toBe('false');
	});

	/** On P-521 the bytes of a coordinate hold twice the prime, so each key can be written in two ways. */
	const fieldHasRoom = 2n * Fp.ORDER < 1n << BigInt(8 * Fp.BYTES);

	function signedByOpenSsl() {
		const made = signed();
		const info = parseSpki(made.spki);
		return { made, q: Point.fromBytes(info.algorithm === 'ec' ? info.ecPoint : new Uint8Array()) };
	}

	/**
	 * Elsewhere only keys with a small x can. Nobody knows their private keys; a signature over a digest that nobody chose
	 * is made without: R = a G + b Q, r = x(R), s = r / b, z = a s.
	 */
	function signedByNobody() {
		const [, q] = firstPointFrom(1n);
		const [a, b] = [scalar(), scalar()];
		const r = Fn.create(Point.BASE.multiply(a).add(q.multiply(b)).toAffine().x);
		const s = Fn.mul(r, Fn.inv(b));
		const digest = digestFor(Fn.mul(a, s))!;
		return { made: { spki: spkiOf(q), hash: 'SHA2_512' as const, digest, signature: der(r, s) }, q };
	}

	it('agree on a signature whose point has an x beyond the order', () => {
		// r is x reduced by the order, which few signatures ever show.
		const [x, point] = firstPointFrom(n + 1n);
		expect(x).toBeLessThan(Fp.ORDER);
		const r = x - n;
		const s = scalar();
		const z = scalar() >> 12n;
		// Q = (R - (z / s) G) / (r / s): of all that is in the equation, the key is what is left to choose.
		const q = point.subtract(Point.BASE.multiply(Fn.mul(z, Fn.inv(s)))).multiply(Fn.mul(s, Fn.inv(r)));
		const made: Case = { spki: spkiOf(q), hash: 'SHA2_512', digest: digestFor(z)!, signature: der(r, s) };
		expect(answers(made)).toBe('true');
		expect(answers({ ...made, signature: der(r + 1n, s) })).toBe('false');
	});

	it('agree on keys made so that the shift of a key has no sum, or is none', () => {
		const numbers = ['first', 'second', 'third'].map((word) =>
			bytesToNumber(digestOf('SHA2_256', new TextEncoder().encode(`the ${word} message under a shifted key`))),
		);
		const [y1, y2] = numbers as [bigint, bigint, bigint];
		const half = Fn.inv(2n);
		// The private key is d, -d, or both at once for two messages; at last the digest is that of the first message.
		const cases: readonly (readonly [z: bigint, keyOf: (r: bigint) => bigint])[] = [
			...numbers.flatMap((y) =>
				[1n, -1n].map((sign) => {
					const z = scalar() >> 12n;
					return [z, (r: bigint) => Fn.mul(Fn.create(sign * (z - y)), Fn.inv(r))] as const;
				}),
			),
			[Fn.mul(Fn.create(y1 + y2), half), (r) => Fn.mul(Fn.mul(Fn.create(y2 - y1), half), Fn.inv(r))],
			[Fn.create(y1), () => scalar()],
			[Fn.create(y1), (r) => Fn.mul(Fn.create(y1 - y2), Fn.inv(r))],
		];
		for (const [z, keyOf] of cases) {
			const digest = digestFor(z);
			if (digest === undefined) continue;
			const k = scalar();
			const r = Fn.create(Point.BASE.multiply(k).toAffine().x);
			const key = keyOf(r);
			const s = Fn.mul(Fn.create(z + r * key), Fn.inv(k));
			const made: Case = { spki: spkiOf(Point.BASE.multiply(key)), hash: 'SHA2_512', digest, signature: der(r, s) };
			expect(answers(made)).toBe('true');
			expect(answers({ ...made, signature: der(r, Fn.create(s + 1n)) })).toBe('false');
		}
	});

	/** The first point of the curve whose x is `from` or more. */
	function firstPointFrom(from: bigint): [x: bigint, point: InstanceType<typeof Point>] {
		for (let x = from; ; x++) {
			try {
				return [x, Point.fromBytes(Uint8Array.of(2, ...numberToBytes(x, Fp.BYTES)))];
			} catch {
				// Half of all numbers are no x of a point.
			}
		}
	}

	/** 64 bytes of which the leftmost bits, as many as the order has, are `z`; undefined when 64 bytes are too few. */
	function digestFor(z: bigint): Uint8Array | undefined {
		const bits = Math.min(512, Fn.BITS);
		if (z >= 1n << BigInt(bits)) return undefined;
		return numberToBytes(z << BigInt(512 - bits), 64);
	}
});

describe('the known answers', () => {
	it.each(KNOWN_SIGNATURES)('are what OpenSSL says of $curve with $hash', ({ hash, key, signature }) => {
		const spki = { key: Buffer.from(key, 'hex'), format: 'der' as const, type: 'spki' as const };
		expect(verify(HASHES[hash].name, KNOWN_MESSAGE, spki, Buffer.from(signature, 'hex'))).toBe(true);
	});

	it.each(offered)('are given by $name', (backend) => {
		expect(ecdsaSelfTest(backend)).toBeUndefined();
	});

	const faults: Record<string, (question: EcdsaQuestion) => boolean> = {
		'accepts everything': () => true,
		'refuses everything': () => false,
		throws: () => {
			throw new Error('no such curve');
		},
		'forgets the digest': (question) => nobleBackend.verify(question) || question.digest[7] !== undefined,
		'looks at half of the digest': (question) =>
			nobleBackend.verify({ ...question, digest: question.digest.map((byte, i) => (i < 16 ? byte : 0)) }),
		'wants a low s': (question) =>
			nobleBackend.verify(question) && question.s <= CURVES[question.key.curve].Point.Fn.ORDER / 2n,
		'loses the sign of the key': (question) => {
			const { ecPoint, curve } = question.key;
			const width = CURVES[curve].Point.Fp.BYTES;
			const y = CURVES[curve].Point.Fp.ORDER - bytesToNumber(ecPoint.subarray(1 + width));
			const other = Uint8Array.of(...ecPoint.subarray(0, 1 + width), ...numberToBytes(y, width));
			return (
				nobleBackend.verify(question) || nobleBackend.verify({ ...question, key: { ...question.key, ecPoint: other } })
			);
		},
		'is right on P-256 only': (question) => question.key.curve === 'P-256' && nobleBackend.verify(question),
	};
	it.each(Object.entries(faults))('are not given by a backend that %s', (_, verifyWrongly) => {
		const faulty: EcdsaBackend = { name: 'native', isOffered: () => true, verify: verifyWrongly };
		expect(ecdsaSelfTest(faulty)).toMatch(/refused|accepted|failed at/);
		expect(chooseDigestBackend(undefined, [faulty, nobleBackend])).toBe(nobleBackend);
		expect(() => chooseDigestBackend('native', [faulty, nobleBackend])).toThrow(KeyError);
	});
});

describe('the choice of a backend', () => {
	it('takes the fastest that is offered', () => {
		expect(chooseDigestBackend()).toBe(offered[0]);
		expect(defaultDigestBackend()).toBe(offered[0]);
	});

	it.each(offered)('takes $name when told so', (backend) => {
		expect(chooseDigestBackend(backend.name)).toBe(backend);
	});

	it('says what was wrong when none is left', () => {
		const absent = nativeBackend({});
		expect(() => chooseDigestBackend(undefined, [absent])).toThrow('native: not offered by this Node');
		expect(() => chooseDigestBackend('shifted-key', [nobleBackend])).toThrow(KeyError);
	});
});

describe('a Node that verifies digests itself', () => {
	/** What `crypto.verifyDigest` would be, by another library. */
	const nodeOfTheFuture = {
		verifyDigest(algorithm: string, digest: Uint8Array, key: { key: Uint8Array }, signature: Uint8Array): boolean {
			const hash = hashWithName(algorithm);
			if (hash === undefined) throw new Error('ERR_CRYPTO_INVALID_DIGEST');
			return verifyDigest({ publicKey: key.key, hash, digest, signature, backend: nobleBackend });
		},
	};

	it('is used before anything else', () => {
		const native = nativeBackend(nodeOfTheFuture);
		expect(chooseDigestBackend(undefined, [native, shiftedKeyBackend])).toBe(native);
	});

	it('is not believed when its function means something else', () => {
		const hashesAgain = {
			verifyDigest: (algorithm: string, digest: Uint8Array, key: { key: Uint8Array }, signature: Uint8Array) =>
				nodeOfTheFuture.verifyDigest(algorithm, createHash(algorithm).update(digest).digest(), key, signature),
		};
		const native = nativeBackend(hashesAgain);
		expect(chooseDigestBackend(undefined, [native, shiftedKeyBackend])).toBe(shiftedKeyBackend);
	});

	it('answers false where it throws', () => {
		const throwing = nativeBackend({
			verifyDigest: () => {
				throw new Error('asn1 encoding routines::wrong tag');
			},
		});
		const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
		const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
		const signature = new Uint8Array(sign('sha256', new Uint8Array(1), privateKey));
		const digest = digestOf('SHA2_256', new Uint8Array(1));
		expect(verifyDigest({ publicKey: spki, hash: 'SHA2_256', digest, signature, backend: throwing })).toBe(false);
	});
});
