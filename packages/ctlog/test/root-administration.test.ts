/** Who may change the accepted roots, with what, and what stays when one is retired. */
import type { AddChainReply } from '@chancery/wire/ct';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
	base64,
	certificate,
	leafPlan,
	makeAuthority,
	makePrecertificate,
	sha256,
	type TestAuthority,
} from './certificates.ts';
import {
	ADMIN_TOKEN,
	get,
	type RunningLog,
	register,
	reportOf,
	retire,
	SERVICE_TOKEN,
	startLog,
	submit,
} from './running-log.ts';

let log: RunningLog;
let authority: TestAuthority;
let laterMs = 0;
beforeEach(async () => {
	laterMs = 0;
	log = await startLog({ clock: () => Date.now() + laterMs });
	authority = await makeAuthority('ours');
});
afterEach(() => log.end());

const roots = async () => (await get(log, 'get-roots')).json().certificates as string[];
const list = async (token = ADMIN_TOKEN) =>
	(await log.admin.inject({ url: '/admin/v1/roots', headers: { authorization: `Bearer ${token}` } })).json().roots;
const send = async () => submit(log, 'add-pre-chain', [(await makePrecertificate(authority)).der, authority.issuing]);
const said = (response: { statusCode: number; json(): { reason: string; detail: string } }) =>
	[response.statusCode, response.json().reason] as const;
const reinstate = (report: unknown) => register(log, report, ADMIN_TOKEN, '?reinstate=true');

describe('the token of a service', () => {
	it('reads the roots and the report, and changes nothing', async () => {
		const refused = await register(log, await reportOf(authority), SERVICE_TOKEN);
		expect(said(refused)).toEqual([403, 'forbidden']);
		expect(await roots()).toEqual([]);
		await register(log, await reportOf(authority));
		expect(said(await retire(log, authority.root, 'no more', SERVICE_TOKEN))).toEqual([403, 'forbidden']);
		expect(await list(SERVICE_TOKEN)).toMatchObject([
			{ state: 'accepted', subject: 'CN=ours root', registeredBy: 'a test' },
		]);
		expect((await send()).statusCode).toBe(200);
	});
});

describe('a report', () => {
	it.each([
		['of 2020', Date.UTC(2020, 0, 1) - Date.now()],
		['of eleven minutes ago', -11 * 60_000],
		['of eleven minutes ahead', 11 * 60_000],
	])('%s is refused', async (_, agoMs) => {
		const refused = await register(log, await reportOf(authority, undefined, Date.now() + agoMs));
		expect(said(refused)).toEqual([422, 'invalid-trust-report']);
		expect(refused.json().detail).toMatch(/which is not now .*ask the service for a new one/);
		expect(await roots()).toEqual([]);
	});

	it('counts once, also for another process and after a restart', async () => {
		const report = await reportOf(authority);
		expect((await register(log, report)).statusCode).toBe(201);
		expect(said(await register(log, report))).toEqual([409, 'report-replayed']);
		log = await log.restart();
		expect(said(await register(log, report))).toEqual([409, 'report-replayed']);
		expect((await register(log, await reportOf(authority, undefined, Date.now() + 1))).statusCode).toBe(200);
	});

	it('counts once when it comes many times at once', async () => {
		const report = await reportOf(authority);
		const answers = await Promise.all(Array.from({ length: 8 }, () => register(log, report)));
		expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, ...Array(7).fill(409)]);
	});

	it('that was refused may be sent again when what was wrong is mended', async () => {
		const report = await reportOf(authority);
		expect((await register(log, report, SERVICE_TOKEN)).statusCode).toBe(403);
		expect((await register(log, report)).statusCode).toBe(201);
	});
});

describe('a retired root', () => {
	it('takes no new submissions, is shown no more, and keeps its history', async () => {
		await register(log, await reportOf(authority));
		const { der } = await makePrecertificate(authority);
		const first = await submit(log, 'add-pre-chain', [der, authority.issuing]);
		const sct = first.json<AddChainReply>();
		const retired = await retire(log, authority.root, 'its key was stolen');
		expect([retired.statusCode, retired.json()]).toEqual([
			200,
			{ sha256: sha256(authority.root).toString('hex'), retiredAt: expect.stringMatching(/^20.*Z$/) },
		]);
		// At once, also for a chain that was known, and for a repeat of what is in the log.
		for (const chain of [
			[(await makePrecertificate(authority)).der, authority.issuing],
			[(await makePrecertificate(authority)).der, authority.issuing, authority.root],
			[der, authority.issuing],
		]) {
			const refused = await submit(log, 'add-pre-chain', chain);
			expect([refused.statusCode, refused.body]).toEqual([400, expect.stringContaining('0 roots are accepted')]);
		}
		expect((await submit(log, 'add-chain', [authority.root])).statusCode).toBe(400);
		expect(await roots()).toEqual([]);
		const head = (await get(log, 'get-sth')).json();
		expect(head.tree_size).toBe(1);
		const [entry] = (await get(log, 'get-entries', { start: 0, end: 0 })).json().entries;
		const leafHash = base64(sha256(Buffer.concat([Buffer.of(0), Buffer.from(entry.leaf_input, 'base64')])));
		expect((await get(log, 'get-proof-by-hash', { hash: leafHash, tree_size: 1 })).json().leaf_index).toBe(0);
		const issuer = await log.app.inject({ url: `/issuer/${sha256(authority.root).toString('hex')}` });
		expect(issuer.rawPayload.equals(Buffer.from(authority.root))).toBe(true);
		expect(sct.timestamp).toBeGreaterThan(0);
	});

	it('stays retired over a restart, a repeat, an old report and a new one', async () => {
		const before = await reportOf(authority, undefined, Date.now() - 60_000);
		await register(log, await reportOf(authority));
		const first = (await retire(log, authority.root, 'by mistake')).json();
		laterMs += 5_000;
		expect((await retire(log, authority.root, 'again')).json()).toEqual(first);
		log = await log.restart();
		expect(await roots()).toEqual([]);
		const refused = await register(log, await reportOf(authority, undefined, Date.now() + laterMs));
		expect(said(refused)).toEqual([409, 'root-retired']);
		expect(refused.json().detail).toMatch(/retired at 20.* by a test \(by mistake\).*reinstate=true/);
		// Said in so many words, but with a report from before.
		const old = await reinstate(before);
		expect([said(old)[1], old.json().detail]).toEqual(['root-retired', expect.stringContaining('ask the authority')]);
		expect((await send()).statusCode).toBe(400);
		expect(await list()).toMatchObject([{ state: 'retired', lastChange: { change: 'retired', reason: 'by mistake' } }]);
	});

	it('is accepted again with a new report and in so many words, and all of it stays on record', async () => {
		await register(log, await reportOf(authority));
		await retire(log, authority.root, 'by mistake');
		laterMs += 5_000;
		const again = await reinstate(await reportOf(authority, undefined, Date.now() + laterMs));
		expect([again.statusCode, again.json()]).toMatchObject([200, { added: false, reinstated: true }]);
		expect((await send()).statusCode).toBe(200);
		expect(await roots()).toEqual([base64(authority.root)]);
		await retire(log, authority.root, 'for good');
		expect((await send()).statusCode).toBe(400);
		const { database } = log.database;
		const rows = await database.query(
			'select number, change, changed_by, reason from ctlog.root_changes order by number',
		);
		expect(rows).toMatchObject([
			{ number: 1, change: 'retired', changed_by: 'a test', reason: 'by mistake' },
			{ number: 2, change: 'reinstated' },
			{ number: 3, change: 'retired', reason: 'for good' },
		]);
		for (const statement of [
			'delete from ctlog.root_changes',
			`update ctlog.root_changes set reason = 'x'`,
			'delete from ctlog.taken_reports',
		])
			await expect(database.query(statement)).rejects.toMatchObject({ code: '55000' });
	});

	it('does not touch the others', async () => {
		const other = await makeAuthority('ours');
		for (const one of [authority, other]) await register(log, await reportOf(one));
		await retire(log, other.root, 'replaced');
		expect((await send()).statusCode).toBe(200);
		const { der } = await makePrecertificate(other);
		expect((await submit(log, 'add-pre-chain', [der, other.issuing])).statusCode).toBe(400);
	});
});

describe('retiring', () => {
	it('names what is not there, and asks for a reason', async () => {
		expect(said(await retire(log, authority.root, 'x'))).toEqual([404, 'no-such-root']);
		expect((await retire(log, authority.root, '  ')).statusCode).toBe(400);
		expect((await retire(log, authority.root, 'x'.repeat(501))).statusCode).toBe(400);
		expect((await retire(log, authority.root, 'x', 'wrong')).statusCode).toBe(401);
	});
});

describe('the number of roots', () => {
	it('of one name is bounded, and retiring one makes room', async () => {
		const namesakes = await Promise.all(Array.from({ length: 5 }, () => makeAuthority('ours')));
		for (const one of namesakes.slice(0, 4)) expect((await register(log, await reportOf(one))).statusCode).toBe(201);
		const [first, , , , last] = namesakes;
		const refused = await register(log, await reportOf(last!));
		expect(said(refused)).toEqual([409, 'too-many-roots']);
		expect(refused.json().detail).toMatch(/4 roots called CN=ours root/);
		await retire(log, first!.root, 'to make room');
		expect((await register(log, await reportOf(last!))).statusCode).toBe(201);
		// Each of them is found by its name alone.
		for (const one of namesakes.slice(1)) {
			const leaf = await certificate(leafPlan(one, []));
			expect((await submit(log, 'add-chain', [leaf, one.issuing])).statusCode).toBe(200);
		}
	});
});
