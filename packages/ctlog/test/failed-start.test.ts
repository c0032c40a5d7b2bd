/** A log that was opened by a start that then fails: nothing of it may go on, and its mark is free again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@chancery/chassis/logger';
import { generateSigner } from '@chancery/keys/file/generate';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { createTestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { configSchema } from '../src/config.ts';
import { ctlog } from '../src/definition.ts';
import { migrateSchema } from '../src/store/migrations.ts';

const folder = mkdtempSync(join(tmpdir(), 'chancery-ctlog-failed-'));
let test: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
	test = await createTestDatabase();
	await migrateSchema(test.database);
});
afterAll(async () => {
	await test?.drop();
	rmSync(folder, { recursive: true });
});

it('a start that fails after the log was opened leaves its mark to the next one', async () => {
	const { database } = test;
	const config = configSchema().parse({ publicUrl: 'http://ct.example.com/2026', admin: { tokens: [] } });
	const signers = { signer: generateSigner('ecdsa-sha2-256-nistp256') };
	await ctlog.createLogs?.({ database, config, profile: 'development', signers });
	const open = () =>
		ctlog.open({
			config,
			profile: 'development',
			database,
			clock: Date.now,
			random: (length) => new Uint8Array(length),
			fetch,
			logger: createLogger({ level: 'silent', json: true, name: 'ctlog' }),
			signers,
			marks: { mark: openFileMark(join(folder, 'mark')) },
		});
	await database.query('alter table ctlog.log_start rename to hidden');
	await expect(open()).rejects.toThrow(/log_start/);
	await database.query('alter table ctlog.hidden rename to log_start');
	const service = await open();
	expect(await service.health()).toMatchObject({ ready: true });
	for (const { app } of service.listeners) await app.close();
	await service.close();
});
