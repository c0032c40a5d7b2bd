import { generateKeyPairSync, sign } from 'node:crypto';
import { FormatError } from '@chancery/core/format-error';
import { describe, expect, it } from 'vitest';
import { verifySignature } from '../verify-signature.ts';
import type { Pkcs11Algorithm } from './pkcs11-messages.ts';
import { signatureOfModule, spkiOfFound } from './pkcs11-public-key.ts';

const MESSAGE = new TextEncoder().encode('a sealed letter');
const pairs = {
	'P-256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
	'P-384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
	Ed25519: () => generateKeyPairSync('ed25519'),
} as const;
const POINT_BYTES = { 'P-256': 65, 'P-384': 97, Ed25519: 32 } as const;

describe.each(Object.keys(pairs) as Pkcs11Algorithm[])('what a module says of a key on %s', (algorithm) => {
	const { publicKey, privateKey } = pairs[algorithm]();
	const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
	const point = spki.slice(-POINT_BYTES[algorithm]);
	const wrapped = Uint8Array.of(0x04, point.length, ...point);

	it('is read with and without the OCTET STRING around its point', () => {
		expect(spkiOfFound(algorithm, { from: 'point', point })).toEqual(spki);
		expect(spkiOfFound(algorithm, { from: 'point', point: wrapped })).toEqual(spki);
	});

	it.each<[string, Uint8Array]>([
		['nothing', new Uint8Array()],
		['a point that is cut', point.subarray(1)],
		['a string of another tag', wrapped.with(0, 0x03)],
		['a string of another length', wrapped.with(1, point.length - 1)],
		['a byte more', Uint8Array.of(...wrapped, 0)],
	])('is refused as %s', (_, value) => {
		expect(() => spkiOfFound(algorithm, { from: 'point', point: value })).toThrow(FormatError);
		expect(() => spkiOfFound(algorithm, { from: 'certificate', der: value })).toThrow(FormatError);
	});

	it('is a signature in the form of the others, or refused by its length', () => {
		const digest = algorithm === 'P-256' ? 'sha256' : algorithm === 'P-384' ? 'sha384' : null;
		for (let round = 0; round < 50; round++) {
			const raw = new Uint8Array(sign(digest, MESSAGE, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
			expect(verifySignature({ publicKey: spki, message: MESSAGE, signature: signatureOfModule(algorithm, raw) })).toBe(
				true,
			);
			expect(() => signatureOfModule(algorithm, raw.subarray(1))).toThrow(FormatError);
			expect(() => signatureOfModule(algorithm, Uint8Array.of(0, ...raw))).toThrow(FormatError);
		}
	});
});

it('does not take the first bytes of a bare P-256 point for the head of a string', () => {
	// 04 is the tag of an OCTET STRING too, and 3f would be its length: of 63 bytes, which is what is left.
	const point = new Uint8Array(65).fill(7).with(0, 0x04).with(1, 0x3f);
	expect(spkiOfFound('P-256', { from: 'point', point }).subarray(-65)).toEqual(point);
});
