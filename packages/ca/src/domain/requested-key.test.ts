import { utf8 } from '@chancery/core/bytes';
import { parsePem } from '@chancery/core/pem';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { certificationRequest, generateClientKey } from '../../test/client-key.ts';
import { checkProofOfPossession } from './proof-of-possession.ts';
import { readRequestedKey } from './requested-key.ts';

const read = (encoded: Uint8Array) => readRequestedKey({ kind: 'public-key', encoded, proof: new Uint8Array() });
const readCsr = (pem: string) => readRequestedKey({ kind: 'csr', pem: utf8(pem) });
const codeOf = (work: () => unknown): string => {
	try {
		work();
		return 'accepted';
	} catch (error) {
		return String((error as { code?: unknown }).code ?? error);
	}
};

describe('a key', () => {
	it.each(['P-256', 'P-384', 'P-521', 'RSA-2048', 'Ed25519'] as const)(
		'of %s is read from PEM and DER alike',
		(kind) => {
			const key = generateClientKey(kind);
			for (const encoded of [utf8(key.pem), key.spki, utf8(`comment\r\n${key.pem.replaceAll('\n', '\r\n')}`)])
				expect(Buffer.from(read(encoded).spki).equals(key.spki)).toBe(true);
		},
	);

	it('is read from PKCS#1 as the same SubjectPublicKeyInfo', async () => {
		const { createPublicKey } = await import('node:crypto');
		const key = generateClientKey('RSA-2048');
		const pem = createPublicKey(key.privateKey).export({ type: 'pkcs1', format: 'pem' }).toString();
		expect(pem).toContain('RSA PUBLIC KEY');
		expect(Buffer.from(read(utf8(pem)).spki).equals(key.spki)).toBe(true);
	});

	it('that is not on its curve is refused', () => {
		const spki = generateClientKey('P-256').spki.slice();
		spki[spki.length - 1]! ^= 1;
		expect(codeOf(() => read(spki))).toBe('key-malformed');
	});

	it('in compressed form is refused, because certificates hold one form', () => {
		const { spki } = generateClientKey('P-256');
		const compressed = Buffer.concat([
			Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
			Buffer.from([2 + (spki.at(-1)! & 1)]),
			spki.subarray(27, 59),
		]);
		expect(codeOf(() => read(new Uint8Array(compressed)))).toBe('key-malformed');
	});

	it('with bytes behind it is refused', () => {
		expect(codeOf(() => read(new Uint8Array([...generateClientKey().spki, 0])))).toBe('key-malformed');
	});
});

describe('hostile bytes', () => {
	it('never throw anything but a refusal: every one-byte change of a key', () => {
		for (const kind of ['P-256', 'RSA-2048', 'Ed25519'] as const) {
			const { spki } = generateClientKey(kind);
			for (let i = 0; i < spki.length; i++) {
				for (const change of [1, 0x80]) {
					const mangled = spki.slice();
					mangled[i]! ^= change;
					expect(codeOf(() => read(mangled))).toMatch(/^(accepted|key-malformed)$/);
				}
			}
		}
	});

	it('never throw anything but a refusal, and never pass: every one-byte change of a certification request', () => {
		const pem = certificationRequest(generateClientKey('P-256'), ['-subj', '/CN=x']);
		const { der } = parsePem(pem)[0]!;
		const submit = (bytes: Uint8Array) => {
			const text = `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(bytes).toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
			checkProofOfPossession(readCsr(text), []);
		};
		submit(der);
		for (let i = 0; i < der.length; i++) {
			const mangled = der.slice();
			mangled[i]! ^= 1;
			expect(
				codeOf(() => submit(mangled)),
				`byte ${i}`,
			).toMatch(/^(csr-malformed|key-malformed|proof-invalid|csr-algorithm-unknown)$/);
		}
		for (let length = 0; length < der.length; length++)
			expect(codeOf(() => submit(der.subarray(0, length)))).toBe('csr-malformed');
	});

	it('never throw anything but a refusal: random bytes and texts', () => {
		const random = new SeededRandom(99);
		for (let i = 0; i < 2000; i++) {
			const bytes = random.bytes(random.below(80));
			if (i % 2 === 0) bytes[0] = 0x30;
			expect(codeOf(() => read(bytes))).toBe('key-malformed');
			expect(codeOf(() => readRequestedKey({ kind: 'csr', pem: bytes }))).toBe('csr-malformed');
		}
	});
});
