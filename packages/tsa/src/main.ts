/** Runs the timestamp authority in a process of its own. Its key is called `signer` under `keys` in its section. */
import { run } from '@chancery/chassis/run';
import { configSchema } from './config.ts';
import { createService } from './service.ts';

await run('tsa', configSchema, async (deps) => createService({ ...deps, signer: await deps.openKey('signer') }));
