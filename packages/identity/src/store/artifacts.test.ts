import { createTestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
	type Artifact,
	consumeArtifact,
	deleteArtifact,
	deleteArtifactsOfGrant,
	findArtifact,
	findArtifactByUid,
	findArtifactByUserCode,
	putArtifact,
} from './artifacts.ts';
import { migrateSchema } from './migrations.ts';

let test: Awaited<ReturnType<typeof createTestDatabase>>;
const NOW = new Date(1_800_000_000_000);
const LATER = new Date(NOW.getTime() + 60_000);

beforeAll(async () => {
	test = await createTestDatabase();
	await migrateSchema(test.database);
});

afterAll(async () => {
	await test.drop();
});

const put = (over: Partial<Artifact>) =>
	putArtifact(test.database, {
		model: 'DeviceCode',
		id: 'id',
		payload: '{"a":"\\u0000"}',
		grantId: null,
		userCode: null,
		uid: null,
		expiresAt: LATER,
		...over,
	});

describe('artifacts', () => {
	it('come back as they were until they expire', async () => {
		await put({ id: 'one' });
		const key = { model: 'DeviceCode', id: 'one' };
		expect(await findArtifact(test.database, key, NOW)).toEqual({ payload: '{"a":"\\u0000"}', consumedAt: null });
		expect(await findArtifact(test.database, key, LATER)).toBeUndefined();
		expect(await findArtifact(test.database, { ...key, model: 'Session' }, NOW)).toBeUndefined();
	});

	it('are found by the code a person types and by session id, the newest first', async () => {
		await put({ id: 'older', userCode: 'ABCD', uid: 'u1', payload: 'old' });
		await put({ id: 'newer', userCode: 'ABCD', uid: 'u1', payload: 'new', expiresAt: new Date(LATER.getTime() + 1) });
		const model = 'DeviceCode';
		expect((await findArtifactByUserCode(test.database, { model, userCode: 'ABCD' }, NOW))?.payload).toBe('new');
		expect((await findArtifactByUid(test.database, { model, uid: 'u1' }, NOW))?.payload).toBe('new');
		expect(await findArtifactByUid(test.database, { model: 'Session', uid: 'u1' }, NOW)).toBeUndefined();
		expect(await findArtifactByUserCode(test.database, { model, userCode: 'abcd' }, NOW)).toBeUndefined();
	});

	it('are consumed once, whoever asks at the same time, and stay consumed when they are written again', async () => {
		await put({ id: 'spent' });
		const key = { model: 'DeviceCode', id: 'spent' };
		const wins = await Promise.all(Array.from({ length: 10 }, () => consumeArtifact(test.database, key, NOW)));
		expect(wins.filter(Boolean)).toHaveLength(1);
		await put({ id: 'spent', payload: 'late approval' });
		expect(await findArtifact(test.database, key, NOW)).toEqual({ payload: 'late approval', consumedAt: NOW });
		expect(await consumeArtifact(test.database, key, NOW)).toBe(false);
	});

	it('cannot be consumed when they have expired or never were', async () => {
		await put({ id: 'late' });
		expect(await consumeArtifact(test.database, { model: 'DeviceCode', id: 'late' }, LATER)).toBe(false);
		expect(await consumeArtifact(test.database, { model: 'DeviceCode', id: 'never' }, NOW)).toBe(false);
	});

	it('go one by one or with their grant', async () => {
		for (const id of ['g1', 'g2', 'g3']) await put({ id, grantId: id === 'g3' ? 'other' : 'grant' });
		await deleteArtifact(test.database, { model: 'DeviceCode', id: 'g1' });
		await deleteArtifactsOfGrant(test.database, { model: 'DeviceCode', grantId: 'grant' });
		const left = await Promise.all(
			['g1', 'g2', 'g3'].map((id) => findArtifact(test.database, { model: 'DeviceCode', id }, NOW)),
		);
		expect(left.map((found) => found !== undefined)).toEqual([false, false, true]);
	});
});
