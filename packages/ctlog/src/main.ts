/** Runs the log in a process of its own. Its key is called `signer` under `keys` in its section, its mark is a file. */
import { run } from '@chancery/chassis/run';
import { openFileMark } from '@chancery/tlog/file-mark';
import { processConfigSchema } from './config.ts';
import { createService } from './service.ts';

await run('ctlog', processConfigSchema, async (deps) =>
	createService({ ...deps, signer: await deps.openKey('signer'), mark: openFileMark(deps.config.markFile) }),
);
