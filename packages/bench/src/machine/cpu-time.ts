/**
 * CPU time and memory of processes with all their descendants and threads, from /proc (proc(5)).
 */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which Linux fixes at 100 for everything that user space sees. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

interface ProcessStat {
	readonly pid: number;
	readonly parent: number;
	/** Its own time, and that of children that have ended. */
	readonly ticks: number;
	readonly residentBytes: number;
}

export interface TreeUsage {
	readonly cpuSeconds: number;
	readonly residentBytes: number;
}

/** Each root with its descendants; ended processes count as zero. Undefined where there is no /proc. */
export function usageOf(roots: readonly number[]): (TreeUsage | undefined)[] {
	const processes = readProcesses();
	if (processes.length === 0) return roots.map(() => undefined);
	const children = Map.groupBy(processes, ({ parent }) => parent);
	const byPid = new Map(processes.map((process) => [process.pid, process]));
	return roots.map((root) => {
		let ticks = 0;
		let residentBytes = 0;
		const open = [byPid.get(root)];
		for (let next = open.pop(); next !== undefined; next = open.pop()) {
			ticks += next.ticks;
			residentBytes += next.residentBytes;
			open.push(...(children.get(next.pid) ?? []));
		}
		return { cpuSeconds: ticks / TICKS_PER_SECOND, residentBytes };
	});
}

function readProcesses(): ProcessStat[] {
	const found: ProcessStat[] = [];
	for (const name of listProc()) {
		const stat = readStat(name);
		if (stat !== undefined) found.push(stat);
	}
	return found;
}

function listProc(): string[] {
	try {
		return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
	} catch {
		// Not Linux: there is nothing to read, and the caller says so.
		return [];
	}
}

function readStat(pid: string): ProcessStat | undefined {
	try {
		const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
		// The name in parentheses may contain any characters, also parentheses.
		const fields = text
			.slice(text.lastIndexOf(')') + 2)
			.split(' ')
			.map(Number);
		const [, parent = 0] = fields;
		const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
		return { pid: Number(pid), parent, ticks, residentBytes: (fields[21] ?? 0) * PAGE_BYTES };
	} catch {
		// It ended between the listing and here.
		return undefined;
	}
}
