/**
 * Runs both logs in a process of their own. Their keys are called `v1` and `v2` in its section; their marks are files, or
 * rows of another database when several processes run.
 */
import { ConfigError } from '@chancery/chassis/config/config-error';
import { developmentLogFindings } from '@chancery/chassis/config/process-findings';
import { Secret } from '@chancery/chassis/config/secret';
import { run } from '@chancery/chassis/process/run';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { openMarkDatabase } from '@chancery/postgres/mark/mark-database';
import { explainIdentityError } from '@chancery/tlog/log-identity';
import { developmentLogs, expectedMode } from '@chancery/tlog/log-mode';
import { type ProcessConfig, processConfigSchema } from './config.ts';
import { LogKeyError } from './domain/checkpoint-note.ts';
import { productionFindings } from './domain/production-findings.ts';
import { createService } from './service.ts';
import { MIGRATIONS, SCHEMA } from './store/migrations.ts';

await run({
	name: 'log',
	config: processConfigSchema,
	migrations: MIGRATIONS,
	findings: productionFindings,
	storedFindings: async (database) => developmentLogFindings(await developmentLogs(database, SCHEMA)),
	explain: (error) => (error instanceof LogKeyError ? error.message : explainIdentityError(error)),
	open: async (deps) =>
		createService({
			...deps,
			mode: await expectedMode(deps.database, SCHEMA, deps.instance.profile),
			v1Signer: await deps.openKey('v1'),
			v2Signer: await deps.openKey('v2'),
			marks: openMarks(deps.config),
		}),
});

function openMarks({ markFiles, markDatabase, v1, v2 }: ProcessConfig) {
	if (markFiles && !markDatabase) return { v1: openFileMark(markFiles.v1), v2: openFileMark(markFiles.v2) };
	if (!markDatabase || markFiles) throw new ConfigError('log: one of markFiles and markDatabase is required');
	const url = markDatabase instanceof Secret ? markDatabase.reveal() : markDatabase;
	return openMarkDatabase(url, { v1: `rekor-v1/${v1.hostname}/${v1.treeId}`, v2: `rekor-v2/${v2.origin}` });
}
