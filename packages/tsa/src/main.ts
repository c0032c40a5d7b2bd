/** Runs the timestamp authority in a process of its own. Its key is called `signer` under `keys` in its section. */

import { openConfiguredMark } from '@chancery/chassis/mark-section';
import { runWithoutDatabase } from '@chancery/chassis/run';
import { processConfigSchema } from './config.ts';
import { createService } from './service.ts';

await runWithoutDatabase('tsa', processConfigSchema, async (deps) =>
	createService({
		...deps,
		signer: await deps.openKey('signer'),
		mark: openConfiguredMark('tsa', deps.config, `tsa/${new URL(deps.config.publicUrl).host}`),
	}),
);
