/** What clients see when the log cannot take entries: a status that makes them come back, never 500. */
import { DomainError } from '@chancery/chassis/domain-error';
import { renderError } from '@chancery/chassis/http/error-rendering';
import { emptyHeads, lockHeads } from '@chancery/tlog/test/interference';
import { TlogError } from '@chancery/tlog/tlog-error';
import { afterEach, describe, expect, it } from 'vitest';
import { CTLOG_ERRORS, withEngineErrors } from '../src/errors.ts';
import { makeAuthority, makePrecertificate } from './certificates.ts';
import { get, type RunningLog, register, reportOf, startLog, submit } from './running-log.ts';

let log: RunningLog | undefined;
afterEach(async () => {
	await log?.end();
	log = undefined;
});

describe('refusals of the engine', () => {
	const rows = [
		{ code: 'overloaded', status: 503 },
		{ code: 'read-only', status: 503 },
		{ code: 'entry-refused', status: 400 },
		{ code: 'clock-skew', status: 503 },
		{ code: 'clock-lead', status: 503 },
		{ code: 'unavailable', status: 503 },
		{ code: 'identity-mismatch', status: 503 },
		{ code: 'out-of-range', status: 400 },
	] as const;
	it.each(rows)('become $status for $code, with Retry-After where it helps', async ({ code, status }) => {
		const error = await withEngineErrors(() =>
			Promise.reject(new TlogError(code, 'words of the engine', { retryAfterSeconds: 7 })),
		).catch((caught: unknown) => caught);
		expect(error).toBeInstanceOf(DomainError);
		const rendered = renderError(error, { errors: CTLOG_ERRORS, family: 'text', requestId: 'r' });
		expect(rendered.status).toBe(status);
		expect(rendered.body).toContain('words of the engine');
		expect(rendered.headers['retry-after']).toBe('7');
	});

	it('lets other errors pass unchanged', async () => {
		const error = new Error('a mistake of ours');
		await expect(withEngineErrors(() => Promise.reject(error))).rejects.toBe(error);
	});
});

describe('a log whose clock went back', () => {
	it('answers 503 with Retry-After, keeps reading possible, and goes on later', async () => {
		let now = Date.now();
		log = await startLog({ clock: () => now });
		const authority = await makeAuthority('ours');
		await register(log, await reportOf(authority));
		const send = async () =>
			submit(log!, 'add-pre-chain', [(await makePrecertificate(authority)).der, authority.issuing]);
		expect((await send()).statusCode).toBe(200);
		now -= 60_000;
		const refused = await send();
		expect(refused.statusCode).toBe(503);
		expect(refused.headers['retry-after']).toMatch(/^[0-9]+$/);
		expect((await get(log, 'get-sth')).json().tree_size).toBe(1);
		expect((await get(log, 'get-entries', { start: 0, end: 0 })).statusCode).toBe(200);
		now += 61_000;
		expect((await send()).statusCode).toBe(200);
	});
});

describe('a log whose clock runs ahead of its database', () => {
	it('answers 503 with Retry-After, stores nothing, and goes on at once when the clock is right again', async () => {
		let aheadMs = 0;
		log = await startLog({ clock: () => Date.now() + aheadMs, isClockAlone: true });
		const authority = await makeAuthority('ours');
		await register(log, await reportOf(authority));
		const send = async () =>
			submit(log!, 'add-pre-chain', [(await makePrecertificate(authority)).der, authority.issuing]);
		aheadMs = 86_400_000;
		const refused = await send();
		expect(refused.statusCode).toBe(503);
		expect(refused.headers['retry-after']).toBe('30');
		expect(refused.body).toMatch(/clock of this process is 86[34]\d{5} ms ahead of the database's/);
		aheadMs = 0;
		const sct = await send();
		expect(sct.statusCode).toBe(200);
		expect(Math.abs(sct.json().timestamp - Date.now())).toBeLessThan(60_000);
	});
});

describe('a log whose database lost entries', () => {
	it('takes nothing and shows nothing once the mark knows more', async () => {
		log = await startLog();
		const authority = await makeAuthority('ours');
		await register(log, await reportOf(authority));
		const { der } = await makePrecertificate(authority);
		expect((await submit(log, 'add-pre-chain', [der, authority.issuing])).statusCode).toBe(200);
		// A backup of before: the tables as they were when the log was empty.
		const { database } = log.database;
		await emptyHeads(database, 'ctlog');
		log = await log.restart();
		const next = await makePrecertificate(authority);
		const refused = await submit(log, 'add-pre-chain', [next.der, authority.issuing]);
		expect(refused.statusCode).toBe(503);
		expect((await get(log, 'get-sth')).statusCode).toBe(503);
	});
});

describe('a log whose database does not move', () => {
	it('answers 503 with Retry-After and a reason while its authority still waits, keeps reading, and goes on later', async () => {
		log = await startLog();
		const authority = await makeAuthority('ours');
		await register(log, await reportOf(authority));
		const { der } = await makePrecertificate(authority);
		const send = () => submit(log!, 'add-pre-chain', [der, authority.issuing]);
		await submit(log, 'add-pre-chain', [(await makePrecertificate(authority)).der, authority.issuing]);
		const { database } = log.database;
		await database.transaction(async (sql) => {
			// Whoever else holds the head: a replica that was paused, a backup, a person with psql.
			await sql.query('set local idle_in_transaction_session_timeout = 0');
			await lockHeads(sql, 'ctlog');
			const authorityWaits = new Promise((resolve) => setTimeout(resolve, 10_000, 'gave up'));
			const refused = await Promise.race([send(), authorityWaits as Promise<never>]);
			expect(refused.statusCode).toBe(503);
			expect(refused.headers['retry-after']).toMatch(/^[1-9][0-9]*$/);
			expect(refused.body.length).toBeGreaterThan(20);
			expect((await get(log!, 'get-sth')).json().tree_size).toBe(1);
		});
		// As an authority repeats it.
		for (let i = 0; i < 20 && (await send()).statusCode === 503; i++) await new Promise((r) => setTimeout(r, 250));
		expect((await send()).statusCode).toBe(200);
		expect((await get(log, 'get-sth')).json().tree_size).toBe(2);
	});

	it('answers 503 when it cannot read the roots', async () => {
		let laterMs = 0;
		log = await startLog({ clock: () => Date.now() + laterMs });
		const authority = await makeAuthority('ours');
		await register(log, await reportOf(authority));
		const { database } = log.database;
		const { der } = await makePrecertificate(authority);
		// What was known a moment ago is still good; a second later it is asked for, and no answer is no refusal.
		laterMs += 1_000;
		await database.transaction(async (sql) => {
			await sql.query('set local idle_in_transaction_session_timeout = 0');
			await sql.query('lock table ctlog.accepted_roots in access exclusive mode');
			const refused = await submit(log!, 'add-pre-chain', [der, authority.issuing]);
			expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, expect.stringMatching(/^[1-9]/)]);
		});
		// Whoever asks at once may still be told what became of the reading that waited for the lock.
		const again = () => submit(log!, 'add-pre-chain', [der, authority.issuing]);
		for (let i = 0; i < 20 && (await again()).statusCode === 503; i++) await new Promise((r) => setTimeout(r, 250));
		expect((await again()).statusCode).toBe(200);
	});
});

describe('a log that is closing', () => {
	it('answers what it has begun, with an SCT or with 503', async () => {
		log = await startLog();
		const authority = await makeAuthority('ours');
		await register(log, await reportOf(authority));
		const made = await Promise.all(Array.from({ length: 20 }, () => makePrecertificate(authority)));
		const sent = made.map(({ der }) => submit(log!, 'add-pre-chain', [der, authority.issuing]));
		const restarted = log.restart();
		for (const { statusCode, headers } of await Promise.all(sent)) {
			expect([200, 503]).toContain(statusCode);
			if (statusCode === 503) expect(headers['retry-after']).toMatch(/^[1-9]/);
		}
		log = await restarted;
	});
});
