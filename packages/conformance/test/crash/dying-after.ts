/**
 * Loaded before a command (`--import`): the process kills itself between two files that it publishes. A file is published
 * by the rename or the link that gives it its name; DIE_AFTER says how many are published, and the next one is not.
 */
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

let left = Number(process.env.DIE_AFTER);

function counted<Args extends unknown[]>(publish: (...args: Args) => Promise<void>) {
	return async (...args: Args): Promise<void> => {
		if (left === 0) {
			process.kill(process.pid, 'SIGKILL');
			// Nothing comes after it, not even what another file of this process would do meanwhile.
			await new Promise(() => undefined);
		}
		left--;
		await publish(...args);
	};
}

fs.rename = counted(fs.rename);
fs.link = counted(fs.link);
syncBuiltinESMExports();
