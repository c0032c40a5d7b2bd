import { encodePem } from '@chancery/core/pem';
import { generateSigner } from '@chancery/keys/file/generate';
import { ReplyTooLongError, type Transport } from '@chancery/net/transport';
import { describe, expect, it } from 'vitest';
import { describeCtLog, submitPrecertificate } from './ct-log.ts';
import type { IssuingChain } from './issuing-chain.ts';

const settings = {
	url: 'https://ct.example',
	publicKeyPem: encodePem('PUBLIC KEY', generateSigner('ecdsa-sha2-256-nistp256').publicKey),
};
const chain = { base64: ['AAAA'] } as Pick<IssuingChain, 'base64'> as IssuingChain;
const withCode = (code: string) => Object.assign(new Error(code), { code });

describe('a submission that fails on its way', () => {
	it.each([
		{ name: 'no answer in time', error: new DOMException('no answer in time', 'TimeoutError'), passes: true },
		{ name: 'nobody listening', error: withCode('ECONNREFUSED'), passes: true },
		{ name: 'a connection that is cut', error: withCode('ECONNRESET'), passes: true },
		{ name: 'a name server that is away', error: withCode('EAI_AGAIN'), passes: true },
		{ name: 'a certificate of nobody', error: withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), passes: false },
		{ name: 'a certificate that has ended', error: withCode('CERT_HAS_EXPIRED'), passes: false },
		{ name: 'an answer without end', error: new ReplyTooLongError('too long'), passes: false },
	])('by $name passes: $passes', async ({ error, passes }) => {
		let attempts = 0;
		const transport: Transport = () => {
			attempts++;
			return Promise.reject(error);
		};
		await expect(
			submitPrecertificate(describeCtLog(settings, transport), new Uint8Array(1), chain),
		).rejects.toMatchObject(
			passes
				? { code: 'ct-log-unavailable', retryAfterSeconds: expect.any(Number) }
				: { code: 'ct-log-failed', retryAfterSeconds: undefined },
		);
		expect(attempts).toBe(passes ? 3 : 1);
	});

	it.each([
		{ retryAfter: '3600', seconds: 60 },
		{ retryAfter: '30', seconds: 30 },
	])(
		'is not repeated when the log asks for $retryAfter s, and the client hears of it',
		async ({ retryAfter, seconds }) => {
			let attempts = 0;
			const transport: Transport = async () => {
				attempts++;
				return { status: 503, headers: new Headers({ 'retry-after': retryAfter }), bytes: new Uint8Array() };
			};
			await expect(
				submitPrecertificate(describeCtLog(settings, transport), new Uint8Array(1), chain),
			).rejects.toMatchObject({ code: 'ct-log-unavailable', retryAfterSeconds: seconds });
			expect(attempts).toBe(1);
		},
	);

	it('leaves time for another attempt when one is not answered', async () => {
		const given: number[] = [];
		const transport: Transport = ({ timeoutMs }) => {
			given.push(timeoutMs);
			return Promise.reject(new DOMException('no answer in time', 'TimeoutError'));
		};
		await expect(submitPrecertificate(describeCtLog(settings, transport), new Uint8Array(1), chain)).rejects.toThrow();
		expect(given[0]).toBeGreaterThan(5_000);
		expect(given[0]).toBeLessThanOrEqual(6_000);
	});
});
