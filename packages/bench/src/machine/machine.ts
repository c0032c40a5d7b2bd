/**
 * The machine of the measurement, and what else was running on it.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from '../statistics.ts';

export interface Machine {
	readonly cpu: string;
	readonly cores: number;
	readonly memoryGiB: number;
	readonly kernel: string;
	readonly node: string;
	readonly openssl: string;
	/** Of the repository; `+` when files are changed. */
	readonly commit: string;
	/** Of one minute, before anything was started. */
	readonly loadAverage: number;
	/** Other processes that used CPU time while nothing of ours ran, in cores and by name. */
	readonly busiest: readonly string[];
}

/** Above this load, other processes change the figures. */
export const QUIET_LOAD = 0.5;

export async function describeMachine(): Promise<Machine> {
	const [first] = cpus();
	return {
		cpu: first?.model.trim() ?? 'unknown',
		cores: availableParallelism(),
		memoryGiB: Math.round(totalmem() / 2 ** 30),
		kernel: release(),
		node: process.version,
		openssl: process.versions.openssl ?? 'unknown',
		commit: describeCommit(),
		loadAverage: loadavg()[0] ?? 0,
		busiest: await busiestProcesses(),
	};
}

function describeCommit(): string {
	const git = (...args: string[]) =>
		execFileSync('git', args, {
			cwd: import.meta.dirname,
			encoding: 'utf8',
			stdio: ['ignore', 'pipe', 'ignore'],
		}).trim();
	try {
		const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';
		return git('rev-parse', '--short', 'HEAD') + (isChanged ? '+' : '');
	} catch {
		return 'unknown';
	}
}

const WATCH_MS = 500;

/** The processes that used more than a tenth of a core during half a second. */
async function busiestProcesses(): Promise<string[]> {
	const before = readTicks();
	await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
	const cores = (ticks: number) => (ticks * 10) / WATCH_MS;
	return [...readTicks()]
		.map(([pid, { name, ticks }]) => ({ pid, name, used: cores(ticks - (before.get(pid)?.ticks ?? ticks)) }))
		.filter(({ pid, used }) => used > 0.1 && pid !== process.pid)
		.sort((a, b) => b.used - a.used)
		.slice(0, 5)
		.map(({ name, used }) => `${name} ${used.toFixed(1)}`);
}

function readTicks(): Map<number, { name: string; ticks: number }> {
	const found = new Map<number, { name: string; ticks: number }>();
	let text: string;
	try {
		text = execFileSync('sh', ['-c', 'cat /proc/[0-9]*/stat 2>/dev/null; true'], { encoding: 'utf8' });
	} catch {
		// No shell or no /proc: then nothing is known about others.
		return found;
	}
	for (const line of text.split('\n')) {
		const [, pid, name = '', rest = ''] = /^(\d+) \((.*)\) (.*)$/.exec(line) ?? [];
		const fields = rest.split(' ').map(Number);
		if (pid !== undefined) found.set(Number(pid), { name, ticks: (fields[11] ?? 0) + (fields[12] ?? 0) });
	}
	return found;
}

/** Median of 50: milliseconds until one 8 kB block is on the disk (or until the disk claims that). */
export function measureSyncMs(folder: string): number {
	const path = join(folder, 'sync-probe');
	const file = openSync(path, 'w');
	const block = Buffer.alloc(8192, 1);
	try {
		return median(
			Array.from({ length: 50 }, () => {
				const startMs = performance.now();
				writeSync(file, block, 0, block.length, 0);
				fdatasyncSync(file);
				return performance.now() - startMs;
			}),
		);
	} finally {
		closeSync(file);
		rmSync(path);
	}
}
