/**
 * Runs the log in a process of its own. Its key is called `signer` under `keys` in its section; its mark is a file, or a
 * row of another database when several processes run.
 */
import { openConfiguredMark } from '@chancery/chassis/config/mark-section';
import { developmentLogFindings } from '@chancery/chassis/config/process-findings';
import { run } from '@chancery/chassis/process/run';
import { explainIdentityError } from '@chancery/tlog/log-identity';
import { developmentLogs, expectedMode } from '@chancery/tlog/log-mode';
import { processConfigSchema } from './config.ts';
import { productionFindings } from './domain/production-findings.ts';
import { LogKeyError } from './domain/sct.ts';
import { createService } from './service.ts';
import { MIGRATIONS, SCHEMA } from './store/migrations.ts';

await run({
	name: 'ctlog',
	config: processConfigSchema,
	migrations: MIGRATIONS,
	findings: productionFindings,
	storedFindings: async (database) => developmentLogFindings(await developmentLogs(database, SCHEMA)),
	explain: (error) => (error instanceof LogKeyError ? error.message : explainIdentityError(error)),
	open: async (deps) =>
		createService({
			...deps,
			mode: await expectedMode(deps.database, SCHEMA, deps.instance.profile),
			signer: await deps.openKey('signer'),
			mark: openConfiguredMark('ctlog', deps.config, markName(deps.config.publicUrl)),
		}),
});

/** The same in all processes of one log, and in no other. */
function markName(publicUrl: string): string {
	const { host, pathname } = new URL(publicUrl);
	return `ctlog/${host}${pathname.replace(/\/$/, '')}`;
}
