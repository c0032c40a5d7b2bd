/**
 * Limits the memory of the database: its own cache by its setting, and the system's cache by a control group, when the operator
 * names a folder for one (cgroups(7); v1 memory controller or v2).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogInstance } from '../server/log-instance.ts';

const MIB = 2 ** 20;
/** The minimum for PostgreSQL with its ten connections. */
const LEAST_GROUP_BYTES = 96 * MIB;

export interface MemoryLimit {
	/** A description for the report. */
	readonly description: string;
	/** Restores the usual settings. Restarts the database. */
	lift(): Promise<void>;
}

/**
 * Restarts the database with `bytes` of memory in all: an eighth for its own cache, the rest for the system's cache. Drops what the
 * system had cached of its files first.
 */
export async function limitMemory(
	instance: LogInstance,
	bytes: number,
	parentGroup: string | undefined,
): Promise<MemoryLimit> {
	const groupBytes = Math.round(Math.max(LEAST_GROUP_BYTES, bytes));
	const bufferMiB = Math.max(4, Math.floor(groupBytes / 8 / MIB));
	await instance.database.query(`alter system set shared_buffers = '${bufferMiB}MB'`);
	await instance.restartDatabase(async () => dropFromCache(instance.cluster));
	const group = parentGroup === undefined ? undefined : makeGroup(parentGroup, groupBytes, instance.databasePid);
	return {
		description:
			`shared_buffers ${bufferMiB} MB` +
			(group
				? `, ${Math.round(groupBytes / MIB)} MiB in all`
				: '; the system caches files without limit (no --memory-group)'),
		async lift() {
			await instance.database.query('alter system reset shared_buffers');
			await instance.restartDatabase();
			if (group !== undefined) await removeGroup(group);
		},
	};
}

/** Makes a group of `bytes` and puts the process and its children into it; later children start in it. */
function makeGroup(parent: string, bytes: number, pid: number): string {
	const group = join(parent, `chancery-bench-${process.pid}`);
	mkdirSync(group);
	// v1 and v2 name the limit differently.
	const limitFile = ['memory.max', 'memory.limit_in_bytes']
		.map((name) => join(group, name))
		.find((path) => existsSync(path));
	if (limitFile === undefined) {
		rmdirSync(group);
		throw new Error(`${parent} is no cgroup with a memory controller`);
	}
	writeFileSync(limitFile, String(bytes));
	const children = readdirSync('/proc')
		.filter((name) => /^[0-9]+$/.test(name))
		.map(Number)
		.filter((child) => parentOf(child) === pid);
	enter(group, pid);
	for (const child of children) {
		try {
			enter(group, child);
		} catch (error) {
			// It ended meanwhile.
			if ((error as { code?: string }).code !== 'ESRCH') throw error;
		}
	}
	return group;
}

function enter(group: string, pid: number): void {
	writeFileSync(join(group, 'cgroup.procs'), String(pid));
}

function parentOf(pid: number): number | undefined {
	try {
		return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
	} catch {
		// It has ended.
		return undefined;
	}
}

/** The members end with the database; the kernel needs a moment until the group can be removed. */
async function removeGroup(group: string): Promise<void> {
	for (let attempt = 1; ; attempt++) {
		try {
			rmdirSync(group);
			return;
		} catch (error) {
			if (attempt === 50) throw error;
			await sleep(100);
		}
	}
}

/** Tells the system to forget the contents of all files below `folder` (GNU dd; elsewhere nothing happens). */
function dropFromCache(folder: string): void {
	const script = 'find "$0" -type f -exec dd if={} iflag=nocache count=0 status=none \\; ';
	try {
		execFileSync('sh', ['-c', script, folder], { stdio: 'ignore' });
	} catch {
		// Then a warm cache makes the first moments faster than they should be; the warm-up is not measured.
	}
}
