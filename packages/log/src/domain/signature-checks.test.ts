import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { DomainError } from '@chancery/chassis/domain-error';
import { describe, expect, it } from 'vitest';
import { createSignatureChecks, estimateCostMs, type SignatureCheck } from './signature-checks.ts';
import { parseSpkiVerifier } from './verifier-key.ts';

const message = Buffer.from('message');
const digest = createHash('sha256').update(message).digest();

function checkBy(curve: 'P-256' | 'P-384', over: SignatureCheck['over'] = { digest }): SignatureCheck {
	const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: curve });
	const key = parseSpkiVerifier(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })));
	return { key, signature: sign('sha256', message, privateKey), hash: 'SHA2_256', over };
}

describe('the queue of signature checks', () => {
	it('answers what the signature is worth', async () => {
		const { check } = createSignatureChecks({ maxQueuedMs: 1000 });
		const good = checkBy('P-256');
		await expect(check(good)).resolves.toBe(true);
		await expect(check({ ...good, over: { message } })).resolves.toBe(true);
		await expect(check({ ...good, over: { digest: digest.map((byte) => byte ^ 1) } })).resolves.toBe(false);
		await expect(check({ ...good, signature: new Uint8Array(3) })).resolves.toBe(false);
	});

	it('refuses at once when the waiting work is too much, and says when to come back', async () => {
		const one = checkBy('P-256');
		const costMs = estimateCostMs(one);
		const checks = createSignatureChecks({ maxQueuedMs: 4 * costMs });
		const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => checks.check(one)));
		expect(outcomes.map((outcome) => outcome.status)).toEqual([
			...Array(4).fill('fulfilled'),
			...Array(6).fill('rejected'),
		]);
		const refused = outcomes.at(-1) as PromiseRejectedResult;
		expect(refused.reason).toBeInstanceOf(DomainError);
		expect(refused.reason).toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 });
	});

	it('has room again when the work is done', async () => {
		const one = checkBy('P-256');
		const checks = createSignatureChecks({ maxQueuedMs: estimateCostMs(one) });
		const first = checks.check(one);
		await expect(checks.check(one)).rejects.toThrow(DomainError);
		await first;
		expect(checks.queuedMs()).toBe(0);
		await expect(checks.check(one)).resolves.toBe(true);
	});

	it('takes a single check that costs more than the whole bound', async () => {
		const { check } = createSignatureChecks({ maxQueuedMs: 0.001 });
		await expect(check(checkBy('P-384'))).resolves.toBe(true);
	});

	it('counts a check over a digest higher than over a message, and a long message higher than a short one', () => {
		const overDigest = estimateCostMs(checkBy('P-256'));
		const overMessage = estimateCostMs(checkBy('P-256', { message }));
		const overLongMessage = estimateCostMs(checkBy('P-256', { message: new Uint8Array(10_000_000) }));
		expect(overMessage).toBeLessThan(overDigest);
		expect(overLongMessage).toBeGreaterThan(overDigest);
	});
});
