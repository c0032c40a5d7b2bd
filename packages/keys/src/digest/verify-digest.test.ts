import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { derInteger, derSequence } from '@chancery/core/der';
import { type HashAlgorithm, digest as hashOf } from '@chancery/core/sha';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { ed25519ph } from '@noble/curves/ed25519.js';
import { describe, expect, it } from 'vitest';
import { disagreements, hasWycheproof, readWycheproof } from '../../test/wycheproof.ts';
import { parsePublicKey } from '../public-key.ts';
import { verifySignature } from '../verify-signature.ts';
import { ECDSA_BACKENDS } from './digest-backend.ts';
import { verifyDigest } from './verify-digest.ts';

const OPENSSL: Record<HashAlgorithm, string> = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' };

const spkiOf = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }));
const digestOf = (hash: HashAlgorithm, message: Uint8Array) =>
	new Uint8Array(createHash(OPENSSL[hash]).update(message).digest());

const offered = ECDSA_BACKENDS.filter((backend) => backend.isOffered());

describe.each<[string, HashAlgorithm]>([
	['ecdsa_secp256r1_sha256_test.json', 'SHA2_256'],
	['ecdsa_secp256r1_sha512_test.json', 'SHA2_512'],
	['ecdsa_secp384r1_sha256_test.json', 'SHA2_256'],
	['ecdsa_secp384r1_sha384_test.json', 'SHA2_384'],
	['ecdsa_secp384r1_sha512_test.json', 'SHA2_512'],
	['ecdsa_secp521r1_sha512_test.json', 'SHA2_512'],
])('Wycheproof %s', (file, hash) => {
	describe.runIf(hasWycheproof(file))('lies beside the project', () => {
		it.each(offered)('is agreed with by $name in every case, by the digest alone', { timeout: 120_000 }, (backend) => {
			const cases = readWycheproof(file);
			expect(cases.length).toBeGreaterThan(400);
			const wrong = disagreements(cases, (one) =>
				verifyDigest({
					publicKey: one.publicKey,
					hash,
					digest: digestOf(hash, one.message),
					signature: one.signature,
					backend,
				}),
			);
			expect(wrong).toEqual([]);
		});
	});
});

describe('Wycheproof ecdsa_secp256r1_sha256_p1363_test.json', () => {
	const file = 'ecdsa_secp256r1_sha256_p1363_test.json';
	describe.runIf(hasWycheproof(file))('lies beside the project', () => {
		it.each(offered)('is agreed with by $name, the two numbers written as DER', (backend) => {
			const wrong = disagreements(readWycheproof(file), ({ publicKey, message, signature }) => {
				const numbers = [signature.subarray(0, 32), signature.subarray(32)].map((half) =>
					BigInt(`0x${half.toHex() || 0}`),
				);
				const der = signature.length === 64 ? derSequence(...numbers.map((number) => derInteger(number))) : signature;
				return verifyDigest({
					publicKey,
					hash: 'SHA2_256',
					digest: digestOf('SHA2_256', message),
					signature: der,
					backend,
				});
			});
			expect(wrong).toEqual([]);
		});
	});
});

describe.each([
	'rsa_signature_2048_sha256_test.json',
	'rsa_signature_3072_sha256_test.json',
	'rsa_signature_4096_sha256_test.json',
])('Wycheproof %s', (file) => {
	describe.runIf(hasWycheproof(file))('lies beside the project', () => {
		// The one `acceptable` case of the RSA sets leaves the NULL out of DigestInfo; RFC 8017 requires it, so it is refused.
		it('is agreed with in every case, by the digest alone', () => {
			const cases = readWycheproof(file);
			expect(cases.length).toBeGreaterThan(200);
			const wrong = disagreements(cases, (one) =>
				verifyDigest({
					publicKey: one.publicKey,
					hash: 'SHA2_256',
					digest: digestOf('SHA2_256', one.message),
					signature: one.signature,
				}),
			);
			expect(wrong).toEqual([]);
		});
	});
});

describe('a signature over a digest', () => {
	const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
	const keys = {
		'P-256': ec('P-256'),
		'P-384': ec('P-384'),
		'P-521': ec('P-521'),
		'RSA 2048': generateKeyPairSync('rsa', { modulusLength: 2048 }),
		'RSA 3072': generateKeyPairSync('rsa', { modulusLength: 3072 }),
	};
	/** ECDSA looks at no more bits of a digest than its order has (FIPS 186-5 section 6.4.2). */
	const usedBytes = { 'P-256': 32, 'P-384': 48, 'P-521': 64, 'RSA 2048': 64, 'RSA 3072': 64 };
	const hashes = Object.keys(OPENSSL) as HashAlgorithm[];
	const rows = Object.keys(keys).flatMap((kind) => hashes.map((hash) => ({ kind: kind as keyof typeof keys, hash })));

	it.each(rows)('made by OpenSSL with $kind and $hash is right, and no change of it', ({ kind, hash }) => {
		const { publicKey, privateKey } = keys[kind];
		const spki = spkiOf(publicKey);
		const random = new SeededRandom(7);
		for (let round = 0; round < 4; round++) {
			const message = random.bytes(random.below(200));
			const signature = new Uint8Array(sign(OPENSSL[hash], message, privateKey));
			const digest = digestOf(hash, message);
			expect(verifyDigest({ publicKey: spki, hash, digest, signature })).toBe(true);
			expect(verifyDigest({ publicKey: parsePublicKey(spki), hash, digest, signature })).toBe(true);
			expect(verifySignature({ publicKey: spki, message, signature, hash })).toBe(true);

			const otherDigest = digest.slice();
			otherDigest[random.below(Math.min(digest.length, usedBytes[kind]))]! ^= 1 << random.below(8);
			expect(verifyDigest({ publicKey: spki, hash, digest: otherDigest, signature })).toBe(false);
			const otherSignature = signature.slice();
			otherSignature[random.below(signature.length)]! ^= 1 << random.below(8);
			expect(verifyDigest({ publicKey: spki, hash, digest, signature: otherSignature })).toBe(false);
		}
	});

	it('is refused under another hash, another key, or with a digest of another length', () => {
		const message = new Uint8Array(10);
		const { publicKey, privateKey } = keys['P-256'];
		const signature = new Uint8Array(sign('sha256', message, privateKey));
		const digest = digestOf('SHA2_256', message);
		expect(verifyDigest({ publicKey: spkiOf(publicKey), hash: 'SHA2_256', digest, signature })).toBe(true);
		expect(verifyDigest({ publicKey: spkiOf(publicKey), hash: 'SHA2_512', digest, signature })).toBe(false);
		expect(
			verifyDigest({ publicKey: spkiOf(publicKey), hash: 'SHA2_256', digest: digest.subarray(1), signature }),
		).toBe(false);
		expect(
			verifyDigest({
				publicKey: spkiOf(publicKey),
				hash: 'SHA2_512',
				digest: digestOf('SHA2_512', message),
				signature,
			}),
		).toBe(false);
		expect(verifyDigest({ publicKey: spkiOf(ec('P-256').publicKey), hash: 'SHA2_256', digest, signature })).toBe(false);
		expect(verifyDigest({ publicKey: spkiOf(keys['P-384'].publicKey), hash: 'SHA2_256', digest, signature })).toBe(
			false,
		);
	});

	it('is refused in IEEE P1363 form and with bytes behind it', () => {
		const message = new Uint8Array(10);
		const { publicKey, privateKey } = keys['P-256'];
		const digest = digestOf('SHA2_256', message);
		const flat = new Uint8Array(sign('sha256', message, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
		expect(verifyDigest({ publicKey: spkiOf(publicKey), hash: 'SHA2_256', digest, signature: flat })).toBe(false);
		const der = new Uint8Array(sign('sha256', message, privateKey));
		expect(
			verifyDigest({ publicKey: spkiOf(publicKey), hash: 'SHA2_256', digest, signature: Uint8Array.of(...der, 0) }),
		).toBe(false);
	});
});

describe('Ed25519ph', () => {
	const spki = (point: Uint8Array) => Uint8Array.of(...Uint8Array.fromHex('302a300506032b6570032100'), ...point);
	// RFC 8032 section 7.3, TEST abc.
	const key = spki(Uint8Array.fromHex('ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf'));
	const signature = Uint8Array.fromHex(
		'98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae4131f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
	);
	const digest = hashOf('SHA2_512', new TextEncoder().encode('abc'));

	it('accepts the example of RFC 8032 by its digest', () => {
		expect(verifyDigest({ publicKey: key, hash: 'SHA2_512', digest, signature })).toBe(true);
	});

	it('refuses another digest, another hash, a changed or cut signature, and a plain Ed25519 signature', () => {
		expect(
			verifyDigest({ publicKey: key, hash: 'SHA2_512', digest: hashOf('SHA2_512', new Uint8Array()), signature }),
		).toBe(false);
		expect(verifyDigest({ publicKey: key, hash: 'SHA2_256', digest: digest.subarray(0, 32), signature })).toBe(false);
		expect(verifyDigest({ publicKey: key, hash: 'SHA2_512', digest, signature: signature.with(3, 0) })).toBe(false);
		expect(verifyDigest({ publicKey: key, hash: 'SHA2_512', digest, signature: signature.subarray(1) })).toBe(false);
		const pair = generateKeyPairSync('ed25519');
		const plain = new Uint8Array(sign(null, digest, pair.privateKey));
		expect(verifyDigest({ publicKey: spkiOf(pair.publicKey), hash: 'SHA2_512', digest, signature: plain })).toBe(false);
	});

	it('accepts what a signer with the whole message makes', () => {
		const { secretKey, publicKey } = ed25519ph.keygen();
		const message = new TextEncoder().encode('the whole message');
		const made = ed25519ph.sign(message, secretKey);
		expect(
			verifyDigest({
				publicKey: spki(publicKey),
				hash: 'SHA2_512',
				digest: hashOf('SHA2_512', message),
				signature: made,
			}),
		).toBe(true);
	});
});

describe('bytes from strangers', () => {
	it('are answered false and never with an error, whatever is mangled', () => {
		const random = new SeededRandom(2024);
		const message = new Uint8Array(32);
		const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
		const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
		const sources = [
			{ spki: spkiOf(publicKey), signature: new Uint8Array(sign('sha256', message, privateKey)) },
			{ spki: spkiOf(rsa.publicKey), signature: new Uint8Array(sign('sha256', message, rsa.privateKey)) },
		];
		const digest = digestOf('SHA2_256', message);
		for (let round = 0; round < 600; round++) {
			const { spki, signature } = sources[round % 2]!;
			const target = (random.below(2) === 0 ? spki : signature).slice();
			const cut = random.below(3) === 0 ? target.subarray(0, random.below(target.length)) : target;
			if (cut.length > 0) cut[random.below(cut.length)]! ^= 1 + random.below(255);
			const [key, mark] = target.length === spki.length ? [cut, signature] : [spki, cut];
			expect(verifyDigest({ publicKey: key, hash: 'SHA2_256', digest, signature: mark })).toBe(false);
			expect(verifySignature({ publicKey: key, message, signature: mark })).toBe(false);
		}
	});
});
