/** A start of the services of an instance in this process that fails. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@chancery/chassis/logger';
import type { StatelessService } from '@chancery/chassis/service-definition';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openDevelopmentChains } from '../bootstrap/development-chains.ts';
import { openDevelopmentKeys } from '../bootstrap/development-keys.ts';
import { makeParts, openDataFolder } from '../instance/data-folder.ts';
import { openInstanceRecord } from '../instance/instance-record.ts';
import { markPath } from '../instance/marks.ts';
import { SERVICES } from '../services.ts';
import { developmentConfigurations } from './configurations.ts';
import { startServices } from './start-services.ts';

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-start-'));
	vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'));
});
afterAll(async () => {
	vi.restoreAllMocks();
	vi.unstubAllEnvs();
	await rm(folder, { recursive: true });
});

it('services that do not open leave their marks to the next start in this process', async () => {
	const data = await openDataFolder(join(folder, 'data'));
	const record = await openInstanceRecord(data, { listening: [], addresses: [] }, Date.now());
	await makeParts(data);
	const keys = await openDevelopmentKeys(data.keys);
	const chains = await openDevelopmentChains(data.keys, keys, parseRfc3339(record.createdAt));
	for (const { definition } of SERVICES)
		vi.spyOn(definition as StatelessService, 'open').mockImplementation(async ({ marks }) => {
			for (const mark of Object.values(marks)) await mark.read();
			throw new Error('it does not open');
		});
	const start = startServices({
		record,
		keys,
		configurations: developmentConfigurations(record, keys, chains),
		listenHost: 'localhost',
		tls: undefined,
		// Nothing comes so far that it asks it.
		database: undefined as never,
		logger: createLogger({ level: 'silent', json: true, name: 'test' }),
		clock: Date.now,
		reinstateRoot: false,
		onStarted: () => undefined,
		stop: new AbortController().signal,
	});
	await expect(start).rejects.toThrow('it does not open');

	for (const [service, name] of [['log', 'v1'], ['log', 'v2'], ['ctlog'], ['tsa']] as const) {
		const mark = openFileMark(markPath(record.id, service, name));
		expect(await mark.read()).toBeUndefined();
		await mark.close?.();
	}
});
