/** Runs the timestamp authority in a process of its own. Its key is called `signer` under `keys` in its section. */
import { runWithoutDatabase } from '@chancery/chassis/run';
import { configSchema } from './config.ts';
import { createService } from './service.ts';

await runWithoutDatabase('tsa', configSchema, async (deps) =>
	createService({ ...deps, signer: await deps.openKey('signer') }),
);
