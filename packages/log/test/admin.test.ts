import { openTrustReport } from '@chancery/chassis/trust-report';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogUnderTest, startLog, V2_ORIGIN } from './log-under-test.ts';
import { hashedRekordRequest, hashedrekord, newKey } from './proposals.ts';

let log: LogUnderTest;
beforeAll(async () => {
	log = await startLog();
});
afterAll(() => log.close());

describe('the admin listener', () => {
	it.each([
		['v1', 1, 'PKIX_ECDSA_P256_SHA_256', 'https://log.test'],
		['v2', 2, 'PKIX_ED25519', `https://${V2_ORIGIN}`],
	] as const)(
		'reports the %s log to the root of trust, signed with its own key',
		async (wire, majorApiVersion, keyDetails, baseUrl) => {
			const reply = await log.admin.inject({ url: `/admin/v1/trust/${wire}`, headers: log.adminHeaders });
			expect(reply.statusCode).toBe(200);
			const report = openTrustReport(reply.json());
			const signer = wire === 'v1' ? log.v1Signer : log.v2Signer;
			expect(Buffer.from(report.publicKey)).toEqual(Buffer.from(signer.publicKey));
			expect(report).toMatchObject({
				service: 'log',
				material: {
					kind: 'tlog',
					baseUrl,
					majorApiVersion,
					keyDetails,
					publicKey: Buffer.from(signer.publicKey).toString('base64'),
				},
			});
			const { logId, validForStart } = report.material as { logId: string; validForStart: string };
			expect(Buffer.from(logId, 'base64')).toHaveLength(32);
			expect(Date.parse(validForStart)).toBeGreaterThan(0);
		},
	);

	it('reports to nobody without a token', async () => {
		expect((await log.admin.inject({ url: '/admin/v1/trust/v1' })).statusCode).toBe(401);
	});

	it('is ready when both logs are', async () => {
		const reply = await log.admin.inject({ url: '/readyz', headers: log.adminHeaders });
		expect(reply.statusCode).toBe(200);
		expect(reply.json()).toMatchObject({
			ready: true,
			checks: { v1: { ok: true }, v2: { ok: true }, signatureChecks: { ok: true } },
		});
	});
});

describe('a log whose database has forgotten entries', () => {
	it('takes and shows nothing, says why, and leaves the other log alone', async () => {
		const mark = log.marks.v1.mark!;
		log.marks.v1.mark = { ...mark, size: mark.size + 5 };
		log = await log.restart();

		const ready = await log.admin.inject({ url: '/readyz', headers: log.adminHeaders });
		expect(ready.statusCode).toBe(503);
		expect(ready.json()).toMatchObject({
			ready: false,
			checks: { v1: { ok: false, detail: expect.stringContaining(String(mark.size + 5)) }, v2: { ok: true } },
		});

		const payload = hashedrekord('nowhere', newKey());
		const refused = await log.v1.inject({ method: 'POST', url: '/api/v1/log/entries', payload });
		expect(refused.statusCode).toBe(503);
		expect(refused.json()).toMatchObject({ reason: 'log-read-only' });
		expect((await log.v1.inject({ url: '/api/v1/log' })).statusCode).toBe(503);

		const request = hashedRekordRequest('elsewhere', newKey());
		const taken = await log.v2.inject({ method: 'POST', url: '/api/v2/log/entries', payload: request });
		expect(taken.statusCode).toBe(201);
	});
});
