/** What a process knows of the roots while another one changes them. */
import { createLogger } from '@chancery/chassis/logger';
import { toHex } from '@chancery/core/bytes';
import { parseCertificate } from '@chancery/core/certificate';
import { sha256 } from '@chancery/core/sha';
import { createSignatureChecks } from '@chancery/keys/checks/signature-checks';
import type { Sql } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/postgres/test-database';
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
const log = createLogger({ level: 'silent', json: true, name: 'ctlog' });
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
	const deps = { database, clock, check, log };
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

it('a database that is away is an error and not an empty list', async () => {
	const away: Sql = { query: () => Promise.reject(new Error('Connection terminated unexpectedly')) };
	const roots = createAcceptedRoots(away, clock, check);
	await expect(roots.list()).rejects.toThrow(/terminated/);
	await expect(roots.complete(parseCertificate(authority.issuing), [])).rejects.toThrow(/terminated/);
});
