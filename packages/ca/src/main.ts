/** Runs the certificate authority in a process of its own. */
import { run } from '@chancery/chassis/run';
import { configSchema } from './config.ts';
import { createService } from './service.ts';

await run('ca', configSchema, async (deps) => createService({ ...deps, issuingSigner: await deps.openKey('issuing') }));
