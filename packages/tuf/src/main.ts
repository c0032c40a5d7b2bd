/** The TUF repository in a process of its own. Its online keys are called `snapshot` and `timestamp` under `keys` in its section. */
import { run } from '@chancery/chassis/run';
import { processSchema, revealTokens } from './process-config.ts';
import { createService } from './service.ts';

await run('tuf', processSchema(), async ({ config, openKey, ...deps }) =>
	createService({
		...deps,
		config: revealTokens(config),
		snapshotSigner: await openKey('snapshot'),
		timestampSigner: await openKey('timestamp'),
	}),
);
