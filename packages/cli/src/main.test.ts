import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

/** Runs `chancery --version`, whose standard output is the file `path`. */
async function versionTo(path: string): Promise<{ readonly code: number; readonly words: string }> {
	const output = openSync(path, 'r+');
	try {
		const child = spawn(process.execPath, [MAIN, '--version'], { stdio: ['ignore', output, 'pipe'] });
		let words = '';
		child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
			words += chunk;
		});
		const [code] = (await once(child, 'close')) as [number];
		return { code, words };
	} finally {
		closeSync(output);
	}
}

describe('the output of the command', () => {
	it.each([
		['a full disk', '/dev/full', 'ENOSPC'],
		// A process has no memory at address 0, which the system reports like a disk that fails.
		['a disk that fails', '/proc/self/mem', 'EIO'],
	])('that meets %s is a failure', async (_what, path, code) => {
		expect(await versionTo(path)).toEqual({
			code: 1,
			words: expect.stringContaining(`the output could not be written (${code})`),
		});
	});

	it('that nobody reads is no failure', async () => {
		const child = spawn(process.execPath, [MAIN, '--version'], { stdio: ['ignore', 'pipe', 'pipe'] });
		child.stdout?.destroy();
		const [code] = await once(child, 'close');
		expect(code).toBe(0);
	});
});

it('says the version that package.json has', () => {
	const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
	expect(execFileSync(process.execPath, [MAIN, '--version'], { encoding: 'utf8' })).toBe(`${version}\n`);
});
