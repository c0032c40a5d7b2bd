/**
 * Runs the log in a process of its own. Its key is called `signer` under `keys` in its section; its mark is a file, or a
 * row of another database when several processes run.
 */
import { ConfigError } from '@chancery/chassis/config';
import { run } from '@chancery/chassis/run';
import { Secret } from '@chancery/chassis/secret';
import { openFileMark } from '@chancery/postgres/file-mark';
import { openMarkDatabase } from '@chancery/postgres/mark-database';
import { type ProcessConfig, processConfigSchema } from './config.ts';
import { createService } from './service.ts';

await run('ctlog', processConfigSchema, async (deps) =>
	createService({ ...deps, signer: await deps.openKey('signer'), mark: openMark(deps.config) }),
);

function openMark({ markFile, markDatabase, publicUrl }: ProcessConfig) {
	if (markFile !== undefined && !markDatabase) return openFileMark(markFile);
	if (!markDatabase || markFile !== undefined)
		throw new ConfigError('ctlog: one of markFile and markDatabase is required');
	const url = markDatabase instanceof Secret ? markDatabase.reveal() : markDatabase;
	const { host, pathname } = new URL(publicUrl);
	return openMarkDatabase(url, { ctlog: `ctlog/${host}${pathname.replace(/\/$/, '')}` }).ctlog;
}
