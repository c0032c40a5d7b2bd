/**
 * A log under load while somebody holds an old snapshot open. SNAPSHOT_SECONDS=600 is the whole of it; by default a
 * minute. The load is a process of its own, so that nothing of the test runner is measured.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startEmbedded } from '@chancery/postgres/embedded/embedded';
import { expect, it } from 'vitest';

interface Window {
	readonly entries: number;
	readonly p50: number;
	readonly p99: number;
	readonly max: number;
}

const SECONDS = Number(process.env.SNAPSHOT_SECONDS ?? 60);
const CLIENTS = 16;
const SCRIPT = fileURLToPath(import.meta.resolve('@chancery/tlog/test/held-snapshot'));

it(`a snapshot held open for ${SECONDS} s under load: p99 at the end is under twice that of the start`, async () => {
	const base = await mkdtemp(join(tmpdir(), 'chancery-snapshot-'));
	// For root: the user the server runs as has to pass.
	await chmod(base, 0o711);
	const server = await startEmbedded({ dataDir: base });
	try {
		await server.createDatabase('load');
		const args = [SCRIPT, server.url('load'), String(SECONDS), String(CLIENTS)];
		const { stdout } = await promisify(execFile)(process.execPath, args);
		const { windows, grown } = JSON.parse(stdout) as { windows: Window[]; grown: object };
		for (const [i, { entries, p50, p99, max }] of windows.entries())
			console.log(
				`snapshot held, part ${i + 1} of ${windows.length}: ${entries} entries, p50 ${p50} p99 ${p99} max ${max} ms`,
			);
		console.log(`bytes of the heads, and how often they moved: ${JSON.stringify(grown)}`);
		const quarter = windows.length / 4;
		const start = worst(windows.slice(0, quarter));
		const end = worst(windows.slice(-quarter));
		console.log(`p99 ${start} ms at the start, ${end} ms at the end`);
		expect(end).toBeLessThan(2 * start);
	} finally {
		await server.stop();
		await rm(base, { recursive: true });
	}
});

function worst(windows: readonly Window[]): number {
	return Math.max(...windows.map(({ p99 }) => p99));
}
