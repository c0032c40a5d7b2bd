/** Runs the certificate authority in a process of its own. */
import { run } from '@chancery/chassis/process/run';
import { FormatError } from '@chancery/core/format-error';
import { configSchema } from './config.ts';
import { ChainError } from './domain/issuing-chain.ts';
import { productionFindings } from './domain/production-findings.ts';
import { createService } from './service.ts';
import { MIGRATIONS } from './store/migrations.ts';

await run({
	name: 'ca',
	config: configSchema,
	migrations: MIGRATIONS,
	findings: productionFindings,
	explain: (error) => (error instanceof ChainError || error instanceof FormatError ? error.message : undefined),
	open: async (deps) => createService({ ...deps, issuingSigner: await deps.openKey('issuing') }),
});
