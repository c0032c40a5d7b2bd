/** Where the command stores files by default (XDG base directories). */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Data folder of `chancery up`. */
export function defaultDataFolder(): string {
	return join(process.env.XDG_DATA_HOME || join(homeFolder(), '.local', 'share'), 'chancery');
}

/** TUF caches, one folder per mirror; TUF_ROOT is honoured as other clients do. */
export function defaultTufFolder(): string {
	return (
		process.env.TUF_ROOT || join(process.env.XDG_DATA_HOME || join(homeFolder(), '.local', 'share'), 'chancery-client')
	);
}

/** `/` for a user that the system does not know, as in a container that runs with an arbitrary user number. */
function homeFolder(): string {
	try {
		return homedir();
	} catch {
		return '/';
	}
}
