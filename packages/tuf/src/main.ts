/** The TUF repository in a process of its own. Its online keys are called `snapshot` and `timestamp` under `keys` in its section. */
import { openConfiguredMark } from '@chancery/chassis/config/mark-section';
import { callFindings, databaseFindings, publicUrlFindings } from '@chancery/chassis/config/process-findings';
import { run } from '@chancery/chassis/process/run';
import { processSchema, revealTokens } from './process-config.ts';
import { createService } from './service.ts';
import { MIGRATIONS } from './store/migrations.ts';

await run({
	name: 'tuf',
	config: processSchema(),
	migrations: MIGRATIONS,
	findings: ({ publicUrl, services, markDatabase }) => [
		...publicUrlFindings('tuf.publicUrl', publicUrl),
		...services.flatMap(({ trustReportUrl }, i) => callFindings(`tuf.services.${i}.trustReportUrl`, trustReportUrl)),
		...(markDatabase ? databaseFindings('tuf.markDatabase', markDatabase) : []),
	],
	open: async ({ config, openKey, ...deps }) =>
		createService({
			...deps,
			mark: openConfiguredMark('tuf', config, markName(config.publicUrl)),
			config: revealTokens(config),
			snapshotSigner: await openKey('snapshot'),
			timestampSigner: await openKey('timestamp'),
		}),
});

/** The same in all replicas of one repository, and in no other. */
function markName(publicUrl: string): string {
	const { host, pathname } = new URL(publicUrl);
	return `tuf/${host}${pathname.replace(/\/+$/, '')}`;
}
