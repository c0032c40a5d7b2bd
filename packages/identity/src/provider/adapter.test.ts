import { randomBytes } from 'node:crypto';
import { createTestDatabase } from '@chancery/testkit/test-database';
import type { Adapter } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrateSchema } from '../store/migrations.ts';
import { artifactAdapter } from './adapter.ts';

let test: Awaited<ReturnType<typeof createTestDatabase>>;
let adapterOf: (model: string) => Adapter;

beforeAll(async () => {
	test = await createTestDatabase();
	await migrateSchema(test.database);
	adapterOf = artifactAdapter({ database: test.database, clock: Date.now }) as (model: string) => Adapter;
});

afterAll(async () => {
	await test.drop();
});

const newId = () => randomBytes(32).toString('base64url');
const stored = async () => JSON.stringify(await test.database.query('select * from identity.artifacts'));
const idsInRows = async () =>
	(await test.database.query<{ id: string }>('select id from identity.artifacts')).map(({ id }) => id);

describe('ids of artifacts', () => {
	it('are found again and never stored', async () => {
		const codes = adapterOf('AuthorizationCode');
		const id = newId();
		await codes.upsert(id, { jti: id, accountId: 'alice' }, 60);
		expect(await codes.find(id)).toEqual({ jti: id, accountId: 'alice' });
		expect(await stored()).not.toContain(id);
		await codes.consume(id);
		expect(await codes.find(id)).toMatchObject({ jti: id, consumed: expect.any(Number) });
		await expect(codes.consume(id)).rejects.toThrow('invalid_grant');
		await codes.destroy(id);
		expect(await codes.find(id)).toBeUndefined();
	});

	it('are not what the table shows', async () => {
		const codes = adapterOf('AuthorizationCode');
		const id = newId();
		await codes.upsert(id, { jti: id }, 60);
		for (const shown of await idsInRows()) {
			expect(await codes.find(shown)).toBeUndefined();
			await expect(codes.consume(shown)).rejects.toThrow();
		}
	});

	it('are hidden in the address and the session of an interaction too', async () => {
		const interactions = adapterOf('Interaction');
		const [id, cookie] = [newId(), newId()];
		const returnTo = `https://id.example.com/auth/auth/${id}`;
		await interactions.upsert(
			id,
			{ jti: id, returnTo, session: { accountId: 'alice', uid: 'u', cookie } } as never,
			60,
		);
		expect(await interactions.find(id)).toEqual({ jti: id, returnTo, session: { accountId: 'alice', uid: 'u' } });
		expect(await stored()).not.toContain(id);
		expect(await stored()).not.toContain(cookie);
	});

	it('lead from a user code through an interaction to the device code, and from no other process', async () => {
		const [devices, interactions] = [adapterOf('DeviceCode'), adapterOf('Interaction')];
		const [id, interaction] = [newId(), newId()];
		await devices.upsert(id, { jti: id, userCode: 'ABCDEFGH' }, 60);

		// 1. The person types the code, and is asked to sign in.
		const found = await devices.findByUserCode('ABCDEFGH');
		expect(found?.jti).not.toBe(id);
		await interactions.upsert(interaction, { jti: interaction, deviceCode: found?.jti }, 60);
		expect(await stored()).not.toContain(id);
		expect(await stored()).not.toContain(String(found?.jti));

		// 2. After it, the device code is found by what the interaction says, and approved.
		const later = await interactions.find(interaction);
		const code = await devices.find(String(later?.deviceCode));
		expect(code?.userCode).toBe('ABCDEFGH');
		await devices.upsert(String(later?.deviceCode), { ...code, accountId: 'alice' }, 60);

		// 3. The program that waits has its own code.
		expect(await devices.find(id)).toMatchObject({ jti: id, accountId: 'alice' });

		// What is found is a name that this process alone understands.
		const elsewhere = artifactAdapter({ database: test.database, clock: Date.now }) as (model: string) => Adapter;
		expect(await elsewhere('DeviceCode').find(String(found?.jti))).toBeUndefined();
		expect((await elsewhere('DeviceCode').findByUserCode('ABCDEFGH'))?.accountId).toBe('alice');
	});

	it('lead from the uid of a session to one that can be saved again', async () => {
		const sessions = adapterOf('Session');
		const id = newId();
		await sessions.upsert(id, { jti: id, uid: 'the-uid' }, 60);
		const found = await sessions.findByUid('the-uid');
		await sessions.upsert(String(found?.jti), { ...found, accountId: 'alice' }, 60);
		expect(await sessions.find(id)).toEqual({ jti: id, uid: 'the-uid', accountId: 'alice' });
		expect(await stored()).not.toContain(id);
	});
});
