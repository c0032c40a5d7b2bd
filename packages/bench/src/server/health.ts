/** Waits for a server of another project until its health path answers. */
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const START_LIMIT_MS = 30_000;

/** @throws {Error} with the end of its log when it does not answer `url` with 200, or its program is not there */
export async function waitForHealth(child: ChildProcess, url: string, logFile: string): Promise<void> {
	let problem: Error | undefined;
	child.once('error', (error) => {
		problem = error;
	});
	for (const endMs = performance.now() + START_LIMIT_MS; performance.now() < endMs; await sleep(100)) {
		if (problem) throw problem;
		if (child.exitCode !== null) break;
		const answer = await fetch(url).catch(() => undefined);
		if (answer?.status === 200) return;
	}
	throw new Error(`the server is not serving: ${(await readFile(logFile, 'utf8')).slice(-2000)}`);
}
