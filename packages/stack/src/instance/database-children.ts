/** The children of this process that make, copy or run a database, found through /proc; other systems show none. */
import { readdir, readFile } from 'node:fs/promises';
import { signal } from '@chancery/postgres/embedded/process-identity';

/**
 * Tells them to end: `postgres` by its fast shutdown, `initdb` so that it removes what it has made, or at once, and the
 * copy of a cluster that is handed over, of which the old one stays.
 * Only children: their numbers cannot have passed to other programs, because we have not yet heard of their end.
 */
export async function endDatabaseChildren(isAtOnce: boolean): Promise<void> {
	for (const entry of await readdir('/proc').catch(() => [])) {
		if (!/^[1-9]\d*$/.test(entry)) continue;
		const pid = Number(entry);
		const program = await programOfChild(pid);
		if (program === 'postgres') signal(pid, 'SIGINT');
		else if (program === 'tar') signal(pid, 'SIGTERM');
		else if (program === 'initdb') signal(pid, isAtOnce ? 'SIGKILL' : 'SIGTERM');
	}
}

/** Name of the program when the process is our child: fields 2 and 4 of proc_pid_stat(5). */
async function programOfChild(pid: number): Promise<string | undefined> {
	const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
	const [, program, parent] = /\((.*)\) \S (\d+)/s.exec(stat) ?? [];
	return Number(parent) === process.pid ? program : undefined;
}
