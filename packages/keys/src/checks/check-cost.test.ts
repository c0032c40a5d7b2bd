import { generateKeyPairSync } from 'node:crypto';
import type { Certificate } from '@chancery/core/certificate';
import { derBitString, derInteger, derNull, derOid, derSequence } from '@chancery/core/der';
import { parseSpki } from '@chancery/core/spki';
import { describe, expect, it } from 'vitest';
import { costOf } from './check-cost.ts';
import type { SignatureCheck } from './signature-check.ts';

const rsaKey = (bits: number, exponent: bigint) => {
	const numbers = derSequence(derInteger((1n << BigInt(bits)) - 1n), derInteger(exponent));
	return derSequence(derSequence(derOid('1.2.840.113549.1.1.1'), derNull()), derBitString(numbers));
};
const ecKey = (namedCurve: string) =>
	new Uint8Array(generateKeyPairSync('ec', { namedCurve }).publicKey.export({ type: 'spki', format: 'der' }));
const ed25519 = new Uint8Array(generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }));

const digest = { digest: new Uint8Array(32) };
const message = { message: new Uint8Array(100) };

const certificate = (publicKey: Uint8Array, length = 300) =>
	({ publicKey, der: new Uint8Array(length) as Uint8Array }) as Certificate;

function cost(spki: Uint8Array, over: SignatureCheck['over'], backend: 'shifted-key' | 'noble' = 'shifted-key') {
	return costOf({ key: { spki, info: parseSpki(spki) }, signature: new Uint8Array(), hash: 'SHA2_256', over }, backend);
}

describe('the cost of a signature check', () => {
	it('is higher over a digest than over a message, by a slow backend than by a fast one, on a larger curve', () => {
		const [p256, p384, p521] = ['P-256', 'P-384', 'P-521'].map(ecKey) as [Uint8Array, Uint8Array, Uint8Array];
		expect(cost(p256, message).ms).toBeLessThan(cost(p256, digest).ms);
		expect(cost(p256, digest).ms).toBeLessThan(cost(p256, digest, 'noble').ms);
		expect(cost(p256, digest).ms * 5).toBeLessThan(cost(p384, digest).ms);
		expect(cost(p384, digest).ms).toBeLessThan(cost(p521, digest).ms);
		expect(cost(ed25519, message).ms).toBeLessThan(cost(ed25519, digest).ms);
	});

	it('grows with a message, which then has a share of its own', () => {
		const key = ecKey('P-256');
		const long = cost(key, { message: new Uint8Array(4_000_000) });
		expect(long.ms).toBeGreaterThan(20 * cost(key, message).ms);
		expect([long.share, cost(key, message).share]).toEqual(['long messages', 'P-256']);
	});

	it('of a chain counts every certificate, also one whose key cannot be read', () => {
		const readable = costOf({ chain: [certificate(ecKey('P-256')), certificate(ecKey('P-384'))] }, 'noble');
		const unreadable = costOf({ chain: [certificate(ecKey('P-256')), certificate(new Uint8Array(9))] }, 'noble');
		expect(unreadable.ms).toBeGreaterThan(readable.ms);
		expect(unreadable.share).toBe('chains');
	});

	it('of a chain grows with the length of its certificates, so that a long one is not made on the event loop', () => {
		const key = ecKey('P-256');
		const chain = (...lengths: [number, number]) =>
			costOf({ chain: [certificate(key, lengths[0]), certificate(key, lengths[1])] }, 'noble').ms;
		// What honest authorities issue is cheap; see CHEAP_MS.
		expect(chain(900, 900)).toBeLessThan(0.5);
		expect(chain(900, 10_000)).toBeGreaterThan(1);
		expect(chain(10_000, 900)).toBe(chain(900, 10_000));
		// The longest that are read: measured 21 ms with 4,700 names in each.
		expect(chain(131_072, 131_072)).toBeGreaterThan(30);
	});

	it('grows with the modulus and the exponent of an RSA key, both of which a stranger chooses', () => {
		const usual = cost(rsaKey(4096, 65537n), digest);
		expect(cost(rsaKey(2048, 65537n), digest).ms).toBeLessThan(usual.ms);
		expect(cost(rsaKey(8192, 65537n), digest).ms).toBeGreaterThan(2.5 * usual.ms);
		// The longest exponent that a key may have: twice the work of the usual one, and not sixty times.
		const wide = cost(rsaKey(3072, 2n ** 31n - 1n), digest);
		expect(wide.ms).toBeGreaterThan(cost(rsaKey(3072, 65537n), digest).ms);
		expect(wide.ms).toBeLessThan(2 * cost(rsaKey(3072, 65537n), digest).ms);
		expect([usual.share, wide.share]).toEqual(['RSA-4096', 'other RSA']);
		expect(cost(rsaKey(2048, 3n), digest).share).toBe('RSA-2048');
	});
});
