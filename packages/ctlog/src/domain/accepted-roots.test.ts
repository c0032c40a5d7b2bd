/** What a process knows of the roots while another one changes them. */
import { createLogger } from '@chancery/chassis/logger';
import { toHex } from '@chancery/core/bytes';
import { parseCertificate } from '@chancery/core/certificate';
import { sha256 } from '@chancery/core/sha';
import { createSignatureChecks } from '@chancery/keys/checks/signature-checks';
import type { Database, Sql } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeAuthority, makePrecertificate, type TestAuthority } from '../../test/certificates.ts';
import { reportOf } from '../../test/running-log.ts';
import { migrateSchema } from '../store/migrations.ts';
import { createAcceptedRoots } from './accepted-roots.ts';
import { registerRoot } from './register-root.ts';
import { retireRoot } from './retire-root.ts';

let opened: TestDatabase;
let authority: TestAuthority;
const { check } = createSignatureChecks({ maxQueuedMs: 60_000 });
const logger = createLogger({ level: 'silent', json: true, name: 'ctlog' });
let laterMs = 0;
const clock = () => Date.now() + laterMs;

beforeAll(async () => {
	opened = await createTestDatabase();
	await migrateSchema(opened.database);
	authority = await makeAuthority('ours');
});
afterAll(() => opened.drop());

it('a retirement by one process reaches the others within a second, also for chains that they know', async () => {
	const { database } = opened;
	const [here, there] = [1, 2].map(() => createAcceptedRoots(database, clock, check)) as [
		ReturnType<typeof createAcceptedRoots>,
		ReturnType<typeof createAcceptedRoots>,
	];
	const deps = { database, clock, check, logger };
	await registerRoot({ ...deps, roots: here }, await reportOf(authority), { by: 'a test', reinstate: false });
	const { der } = await makePrecertificate(authority);
	const ask = (roots: typeof here) =>
		roots.complete(parseCertificate(der), [authority.issuing]).then(
			(chain) => chain.length,
			(error: { code: string }) => error.code,
		);
	expect([await ask(here), await ask(there)]).toEqual([3, 3]);
	await retireRoot({ ...deps, roots: here }, toHex(sha256(authority.root)), { by: 'a test', reason: 'stolen' });
	expect(await ask(here)).toBe('untrusted-chain');
	laterMs += 1000;
	expect(await ask(there)).toBe('untrusted-chain');
	expect(await there.list()).toEqual([]);
});

it('the table is read once for all who come at the same time, and once a second at most', async () => {
	let reads = 0;
	const counting: Sql = {
		query: (text, values) => {
			reads++;
			return opened.database.query(text, values);
		},
	};
	const roots = createAcceptedRoots(counting, clock, check);
	await Promise.all(Array.from({ length: 50 }, () => roots.list()));
	expect(reads).toBe(1);
	laterMs += 1000;
	await roots.list();
	expect(reads).toBe(2);
});

it('a read that is overtaken by a newer one does not bring back what was retired meanwhile', async () => {
	const { database } = opened;
	const held = Promise.withResolvers<void>();
	let holdNext = false;
	// The database, but one whose answer to one question arrives late, as over a slow connection.
	const slow: Sql = {
		query: async (text, values) => {
			const holds = holdNext;
			holdNext = false;
			const rows = await opened.database.query(text, values);
			if (holds) await held.promise;
			return rows as never;
		},
	};
	const roots = createAcceptedRoots(slow, clock, check);
	const other = await makeAuthority('overtaken');
	const deps = { database, clock, check, logger, roots };
	await registerRoot(deps, await reportOf(other, undefined, clock()), { by: 'a test', reinstate: false });
	const has = async () => (await roots.list()).some((der) => Buffer.from(der).equals(other.root));
	expect(await has()).toBe(true);

	holdNext = true;
	const overtaken = roots.reload();
	await expect.poll(() => holdNext).toBe(false);
	await retireRoot(deps, toHex(sha256(other.root)), { by: 'a test', reason: 'stolen' });
	expect(await has()).toBe(false);
	held.resolve();
	await overtaken;
	expect(await has()).toBe(false);
});

it('a database that is away is an error and not an empty list', async () => {
	const away: Sql = { query: () => Promise.reject(new Error('Connection terminated unexpectedly')) };
	const roots = createAcceptedRoots(away, clock, check);
	await expect(roots.list()).rejects.toThrow(/terminated/);
	await expect(roots.complete(parseCertificate(authority.issuing), [])).rejects.toThrow(/terminated/);
});

/** The database, but one whose transactions end before the statement that begins so. */
const dyingAt = (words: string): Database => ({
	query: (text, values) => opened.database.query(text, values),
	transaction: (work) =>
		opened.database.transaction((sql) =>
			work({
				query: (text, values) =>
					text.startsWith(words) ? Promise.reject(new Error('the process ends here')) : sql.query(text, values),
			}),
		),
	close: () => opened.database.close(),
});

it('a crash before the commit leaves nothing behind: no root, no retirement, no report that counts as used', async () => {
	const { database } = opened;
	const other = await makeAuthority('other');
	const roots = createAcceptedRoots(database, clock, check);
	const deps = { database, clock, check, logger, roots };
	const taken = async () => (await database.query('select sha256 from ctlog.taken_reports')).length;
	const takenBefore = await taken();
	const report = await reportOf(other, undefined, clock());
	const by = { by: 'a test', reinstate: false };
	await expect(
		registerRoot({ ...deps, database: dyingAt('insert into ctlog.accepted_roots') }, report, by),
	).rejects.toThrow('ends here');
	expect(await taken()).toBe(takenBefore);
	expect((await registerRoot(deps, report, by)).outcome).toBe('added');

	const fingerprint = toHex(sha256(other.root));
	const why = { by: 'a test', reason: 'stolen' };
	await expect(
		retireRoot({ ...deps, database: dyingAt('insert into ctlog.root_changes') }, fingerprint, why),
	).rejects.toThrow('ends here');
	await roots.reload();
	expect(await roots.list()).toHaveLength(1);
});

it('a crash after the commit is made good by whoever reads the table next', async () => {
	const { database } = opened;
	const other = await makeAuthority('another');
	const there = createAcceptedRoots(database, clock, check);
	const ended = { ...there, reload: () => Promise.reject(new Error('the process ends here')) };
	const deps = { database, clock, check, logger, roots: ended };
	const by = { by: 'a test', reinstate: false };
	await expect(registerRoot(deps, await reportOf(other, undefined, clock()), by)).rejects.toThrow('ends here');
	laterMs += 1000;
	expect((await there.list()).some((der) => Buffer.from(der).equals(other.root))).toBe(true);
	const fingerprint = toHex(sha256(other.root));
	await expect(retireRoot(deps, fingerprint, { by: 'a test', reason: 'stolen' })).rejects.toThrow('ends here');
	laterMs += 1000;
	expect((await there.list()).some((der) => Buffer.from(der).equals(other.root))).toBe(false);
	// And who asks again is told when it was.
	const again = await retireRoot({ ...deps, roots: there }, fingerprint, { by: 'a test', reason: 'again' });
	expect(again.retiredAt.getTime()).toBeLessThan(clock());
});
