/** Runs both logs in a process of their own. Their keys are called `v1` and `v2` in its section, their marks are files. */
import { run } from '@chancery/chassis/run';
import { openFileMark } from '@chancery/tlog/file-mark';
import { processConfigSchema } from './config.ts';
import { createService } from './service.ts';

await run('log', processConfigSchema, async (deps) => {
	const { markFiles } = deps.config;
	return createService({
		...deps,
		v1Signer: await deps.openKey('v1'),
		v2Signer: await deps.openKey('v2'),
		marks: { v1: openFileMark(markFiles.v1), v2: openFileMark(markFiles.v2) },
	});
});
