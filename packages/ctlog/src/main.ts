/**
 * Runs the log in a process of its own. Its key is called `signer` under `keys` in its section; its mark is a file, or a
 * row of another database when several processes run.
 */
import { openConfiguredMark } from '@chancery/chassis/mark-section';
import { run } from '@chancery/chassis/run';
import { processConfigSchema } from './config.ts';
import { createService } from './service.ts';

await run('ctlog', processConfigSchema, async (deps) =>
	createService({
		...deps,
		signer: await deps.openKey('signer'),
		mark: openConfiguredMark('ctlog', deps.config, markName(deps.config.publicUrl)),
	}),
);

/** The same in all processes of one log, and in no other. */
function markName(publicUrl: string): string {
	const { host, pathname } = new URL(publicUrl);
	return `ctlog/${host}${pathname.replace(/\/$/, '')}`;
}
