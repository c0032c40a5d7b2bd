import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FormatError } from '@chancery/core/format-error';
import type { HashAlgorithm } from '@chancery/core/sha';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disagreements, hasWycheproof, readWycheproof } from '../test/wycheproof.ts';
import { verifyDigest } from './digest/verify-digest.ts';
import { generateSigner } from './file/generate.ts';
import { PublicKeyCache, parsePublicKey } from './public-key.ts';
import type { KeyAlgorithm } from './signer.ts';
import { verifySignature } from './verify-signature.ts';

describe.each<[string, HashAlgorithm]>([
	['ecdsa_secp256r1_sha256_test.json', 'SHA2_256'],
	['ecdsa_secp384r1_sha384_test.json', 'SHA2_384'],
	['ecdsa_secp521r1_sha512_test.json', 'SHA2_512'],
	['rsa_signature_2048_sha256_test.json', 'SHA2_256'],
	['ed25519_test.json', 'SHA2_512'],
])('Wycheproof %s', (file, hash) => {
	describe.runIf(hasWycheproof(file))('lies beside the project', () => {
		it('is agreed with in every case', { timeout: 60_000 }, () => {
			const wrong = disagreements(readWycheproof(file), (one) =>
				verifySignature({ publicKey: one.publicKey, message: one.message, signature: one.signature, hash }),
			);
			expect(wrong).toEqual([]);
		});
	});
});

describe('a signature of one of our signers', () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), 'chancery-verify-'));
	});
	afterAll(() => rmSync(folder, { recursive: true }));

	it.each<[KeyAlgorithm, string[]]>([
		['ecdsa-sha2-256-nistp256', ['-sha256']],
		['ecdsa-sha2-384-nistp384', ['-sha384']],
		['ed25519', []],
	])('with %s is accepted by openssl and by us with the default hash', async (algorithm, digest) => {
		const signer = generateSigner(algorithm);
		const message = new TextEncoder().encode('a sealed letter');
		const signature = await signer.sign(message);
		const at = (name: string) => join(folder, `${algorithm}.${name}`);
		writeFileSync(at('key'), signer.publicKey);
		writeFileSync(at('sig'), signature);
		writeFileSync(at('msg'), message);
		const output = execFileSync(
			'openssl',
			['pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', at('key'), '-sigfile', at('sig')].concat(
				['-rawin', '-in', at('msg')],
				digest.length > 0 ? ['-digest', digest[0]!.slice(1)] : [],
			),
			{ encoding: 'utf8' },
		);
		expect(output).toContain('Verified Successfully');
		expect(verifySignature({ publicKey: signer.publicKey, message, signature })).toBe(true);
		expect(verifySignature({ publicKey: signer.publicKey, message: message.subarray(1), signature })).toBe(false);
	});
});

describe('a public key', () => {
	it('that is not on its curve is refused with a FormatError, and verifies nothing', () => {
		const spki = generateSigner('ecdsa-sha2-256-nistp256').publicKey.slice();
		spki[spki.length - 1]! ^= 1;
		expect(() => parsePublicKey(spki)).toThrow(FormatError);
		expect(verifySignature({ publicKey: spki, message: new Uint8Array(), signature: new Uint8Array(70) })).toBe(false);
	});

	it('of an unknown kind verifies nothing', () => {
		const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
		const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
		expect(verifySignature({ publicKey: spki, message: new Uint8Array(), signature: new Uint8Array(70) })).toBe(false);
	});

	it('of RSA with 1024 bits is read and verifies nothing', () => {
		const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
		const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
		const message = Buffer.from('a sealed letter');
		const signature = sign('sha256', message, privateKey);
		expect(parsePublicKey(spki).info.rsaBits).toBe(1024);
		expect(verifySignature({ publicKey: spki, message, signature })).toBe(false);
		const digest = createHash('sha256').update(message).digest();
		expect(verifyDigest({ publicKey: spki, hash: 'SHA2_256', digest, signature })).toBe(false);
	});

	it('is parsed once while it stays in the cache, and the one used longest ago leaves', () => {
		const [a, b, c] = [1, 2, 3].map(() => generateSigner('ed25519').publicKey) as [Uint8Array, Uint8Array, Uint8Array];
		const cache = new PublicKeyCache(2);
		const first = cache.get(a);
		const second = cache.get(b);
		expect(cache.get(a)).toBe(first);
		cache.get(c);
		expect(cache.get(a)).toBe(first);
		expect(cache.get(b)).not.toBe(second);
		expect(() => cache.get(new Uint8Array(3))).toThrow(FormatError);
	});
});
