/** What clients and operators see of a log that cannot grow: 503 with Retry-After on its wire, the reason in its health. */
import { MarkError } from '@chancery/postgres/mark/mark';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogUnderTest, startLog } from './log-under-test.ts';
import { hashedRekordRequest, hashedrekord, newKey } from './proposals.ts';

let log: LogUnderTest;
const key = newKey();
let number = 0;

beforeAll(async () => {
	log = await startLog();
});
afterAll(() => log.close());

const WIRES = {
	v1: { url: '/api/v1/log/entries', propose: () => hashedrekord(`trouble ${number++}`, key), shown: '/api/v1/log' },
	v2: {
		url: '/api/v2/log/entries',
		propose: () => hashedRekordRequest(`trouble ${number++}`, key),
		shown: '/checkpoint',
	},
} as const;

const post = (wire: keyof typeof WIRES, payload: object = WIRES[wire].propose()) =>
	log[wire].inject({ method: 'POST', url: WIRES[wire].url, payload });
const ready = () => log.admin.inject({ url: '/readyz', headers: log.adminHeaders });

describe.each(['v1', 'v2'] as const)('the %s wire', (wire) => {
	const other = wire === 'v1' ? 'v2' : 'v1';

	it('answers 503 with Retry-After while the mark is away, says so in its health, and goes on by itself', async () => {
		expect((await post(wire)).statusCode).toBe(201);
		const mark = log.marks[wire];
		const read = mark.read.bind(mark);
		mark.read = async () => {
			throw new MarkError('the bucket is away');
		};
		const payload = WIRES[wire].propose();
		for (let i = 0; i < 3; i++) {
			const refused = await post(wire, payload);
			expect(refused.statusCode).toBe(503);
			expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
			expect(refused.body).toContain('the bucket is away');
		}
		const unready = await ready();
		expect(unready.statusCode).toBe(503);
		expect(unready.body).toContain('the bucket is away');
		// The other log has a mark of its own, and reads need none.
		expect((await post(other)).statusCode).toBe(201);
		expect((await log[wire].inject({ url: WIRES[wire].shown })).statusCode).toBe(200);

		mark.read = read;
		await expect.poll(async () => (await post(wire, payload)).statusCode, { timeout: 20_000 }).toBe(201);
		await expect.poll(async () => (await ready()).statusCode, { timeout: 20_000 }).toBe(200);
	});
});
