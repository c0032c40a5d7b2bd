/**
 * Where the marks of a development instance lie: in the user's state folder, outside of the data folder, so that a
 * restored or rolled back data folder is noticed.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { openFileMark } from '@chancery/tlog/file-mark';
import type { AdoptableMarkStore } from '@chancery/tlog/mark';

export interface InstanceMarks {
	readonly v1: AdoptableMarkStore;
	readonly v2: AdoptableMarkStore;
	readonly ctlog: AdoptableMarkStore;
}

/** The folder of all marks of the instance with this id (XDG state folder). */
export function markFolder(instanceId: string): string {
	return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'chancery', instanceId);
}

export function openMarks(instanceId: string): InstanceMarks {
	const mark = (log: string) => openFileMark(join(markFolder(instanceId), `${log}.mark`));
	return { v1: mark('log-v1'), v2: mark('log-v2'), ctlog: mark('ctlog') };
}
