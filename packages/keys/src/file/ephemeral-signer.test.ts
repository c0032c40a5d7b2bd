import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateEphemeralSigner } from './ephemeral-signer.ts';

describe('a key for one signature', () => {
	it('signs a digest so that OpenSSL verifies it over the message, and over no other', () => {
		for (let i = 0; i < 50; i++) {
			const signer = generateEphemeralSigner();
			const message = randomBytes(i * 7);
			const signature = signer.signDigest(createHash('sha256').update(message).digest());
			const key = { key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' } as const;
			expect(verify('sha256', message, createPublicKey(key), signature)).toBe(true);
			expect(verify('sha256', Buffer.concat([message, Buffer.of(0)]), createPublicKey(key), signature)).toBe(false);
		}
	});

	it('signs messages with the same key', async () => {
		const signer = generateEphemeralSigner();
		const key = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' });
		expect(verify('sha256', Buffer.from('m'), key, await signer.sign(Buffer.from('m')))).toBe(true);
	});

	it.each([0, 20, 31, 33, 48, 64])('refuses a digest of %i bytes', (length) => {
		expect(() => generateEphemeralSigner().signDigest(new Uint8Array(length))).toThrow(RangeError);
	});
});
