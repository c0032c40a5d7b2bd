/** Runs the timestamp authority in a process of its own. Its key is called `signer` under `keys` in its section. */

import { openConfiguredMark } from '@chancery/chassis/config/mark-section';
import { databaseFindings } from '@chancery/chassis/config/process-findings';
import { runWithoutDatabase } from '@chancery/chassis/process/run';
import { FormatError } from '@chancery/core/format-error';
import { processConfigSchema } from './config.ts';
import { AuthorityError } from './domain/authority.ts';
import { productionFindings } from './domain/production-findings.ts';
import { createService } from './service.ts';

await runWithoutDatabase({
	name: 'tsa',
	config: processConfigSchema,
	findings: (config) => [
		...productionFindings(config),
		...(config.markDatabase ? databaseFindings('tsa.markDatabase', config.markDatabase) : []),
	],
	explain: (error) => (error instanceof AuthorityError || error instanceof FormatError ? error.message : undefined),
	open: async (deps) =>
		createService({
			...deps,
			signer: await deps.openKey('signer'),
			mark: openConfiguredMark('tsa', deps.config, `tsa/${new URL(deps.config.publicUrl).host}`),
		}),
});
