import { createTestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findAccountBySub, putAccount } from '../store/accounts.ts';
import { type Artifact, findArtifact, putArtifact } from '../store/artifacts.ts';
import { type ExchangedTokenRow, markExchanged } from '../store/exchanged-tokens.ts';
import { EXPIRING_TABLES } from '../store/expired-rows.ts';
import { migrateSchema } from '../store/migrations.ts';
import { cleanExpired, cleanExpiredJob } from './clean-expired.ts';

let test: Awaited<ReturnType<typeof createTestDatabase>>;
const NOW = 1_800_000_000_000;

beforeAll(async () => {
	test = await createTestDatabase();
	await migrateSchema(test.database);
});

afterAll(async () => {
	await test.drop();
});

const artifact = (id: string, expiresMs: number): Artifact => ({
	model: 'AuthorizationCode',
	id,
	payload: '{}',
	grantId: null,
	userCode: null,
	uid: null,
	expiresAt: new Date(expiresMs),
});
const account = (sub: string) => ({ sub, connectorId: 'c', userId: 'u', email: 'a@example.com', emailVerified: true });
let events = 0;
const markOne = (row: ExchangedTokenRow) =>
	markExchanged(
		test.database,
		row,
		{
			id: `event-${++events}`,
			happenedAt: new Date(NOW),
			kind: 'token-exchange',
			outcome: 'accepted',
			connectorId: row.issuer,
			subject: 'job',
			email: null,
			clientId: null,
			clientAddress: null,
			reason: null,
			requestId: null,
		},
		new Date(NOW + 86_400_000),
	);
const count = async () =>
	(
		await test.database.query<{ n: number }>(
			`select (select count(*) from identity.artifacts) + (select count(*) from identity.accounts)
				+ (select count(*) from identity.exchanged_tokens) as n`,
		)
	)[0]?.n;

describe('cleaning', () => {
	it('knows every table whose rows expire', async () => {
		const tables = await test.database.query<{ name: string }>(
			`select table_name as name from information_schema.columns
			where table_schema = 'identity' and column_name = 'expires_at'`,
		);
		expect(EXPIRING_TABLES.map(({ name }) => name).sort()).toEqual(tables.map(({ name }) => name).sort());
	});

	it('deletes what has expired, in more than one batch, and nothing else', async () => {
		await test.database.query(
			`insert into identity.artifacts (model, id, payload, expires_at)
			select 'Session', 'old' || i, '{}', $1 from generate_series(1, 2500) as i`,
			[new Date(NOW - 1)],
		);
		await putArtifact(test.database, artifact('just', NOW));
		await putArtifact(test.database, artifact('alive', NOW + 1));
		await putAccount(test.database, account('gone'), new Date(NOW));
		await putAccount(test.database, account('here'), new Date(NOW + 1));
		const exchanged = { issuer: 'https://ci.example', tokenHash: 'spent', expiresAt: new Date(NOW) };
		await markOne(exchanged);
		await markOne({ ...exchanged, tokenHash: 'alive', expiresAt: new Date(NOW + 1) });
		const deps = { database: test.database, clock: () => NOW };
		expect(await cleanExpired(deps)).toBe(2503);
		expect(await count()).toBe(3);
		expect(await markOne({ ...exchanged, tokenHash: 'alive', expiresAt: new Date(NOW + 1) })).toBe(false);
		expect(await findArtifact(test.database, { model: 'AuthorizationCode', id: 'alive' }, new Date(NOW))).toBeDefined();
		expect(await findAccountBySub(test.database, 'here', new Date(NOW))).toEqual(account('here'));
		expect(await cleanExpired(deps)).toBe(0);
	});

	it('is a job that goes on until it is told to stop', async () => {
		let nowMs = NOW;
		const job = cleanExpiredJob({ database: test.database, clock: () => nowMs }, 5);
		const stop = new AbortController();
		const running = job.run(stop.signal);
		nowMs = NOW + 10;
		await expect.poll(count).toBe(0);
		stop.abort();
		await running;
	});

	it('is a job that fails aloud when the database does', async () => {
		const broken = { query: () => Promise.reject(new Error('no database')) };
		const job = cleanExpiredJob({ database: broken, clock: () => NOW });
		await expect(job.run(new AbortController().signal)).rejects.toThrow('no database');
	});
});
