/**
 * Tessera's fsck, an auditor of tile logs by other people: recomputes every hash of the v2 log from its entry bundles.
 * Installed once per version from the Go module proxy into the user's cache, outside of the repository.
 */
import { execFile } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { V2_ORIGIN } from './answers.ts';
import { verifierKeyOf } from './signed-trees.ts';

const VERSION = 'v1.0.4';
const PROGRAM = `github.com/transparency-dev/tessera/cmd/fsck@${VERSION}`;
const INSTALL_WITHIN_MS = 300_000;
const RUN_WITHIN_MS = 900_000;

export type Fsck = (url: string) => Promise<'intact' | { readonly complaint: string }>;

/** The program, or why it cannot be run here. */
export async function findFsck(): Promise<{ path: string } | { notRun: string }> {
	const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chancery', `tessera-fsck-${VERSION}`);
	const path = join(cache, 'fsck');
	if (await exists(path)) return { path };
	await mkdir(cache, { recursive: true });
	const { code, said } = await run('go', ['install', PROGRAM], INSTALL_WITHIN_MS, { GOBIN: cache });
	if (code === 0 && (await exists(path))) return { path };
	return { notRun: `Tessera's fsck: not run (go install ${PROGRAM}: ${said.trim() || `exit ${code}`})` };
}

/** Fsck for the log of this key. It reports on standard error and exits with 0 whatever it finds. */
export async function openFsck(path: string, folder: string, key: KeyObject): Promise<Fsck> {
	const keyFile = join(folder, 'v2.vkey');
	await writeFile(keyFile, verifierKeyOf(V2_ORIGIN, key));
	return async (url) => {
		const args = ['--storage_url', `${url}/`, '--public_key', keyFile, '--ui=false', '--N', '2', '--v', '1'];
		const { code, said } = await run(path, args, RUN_WITHIN_MS);
		const isDone = /Completed ranges/.test(said);
		return code === 0 && isDone && !/fsck failed|\bE\d{4}\b/.test(said) ? 'intact' : { complaint: said.slice(-2_000) };
	};
}

function run(
	program: string,
	args: readonly string[],
	timeoutMs: number,
	env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; said: string }> {
	return new Promise((resolve) => {
		const options = {
			timeout: timeoutMs,
			maxBuffer: 64 * 1024 * 1024,
			env: { ...process.env, ...env },
			cwd: homedir(),
		};
		execFile(program, args, options, (error, stdout, stderr) => {
			const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
			resolve({ code, said: `${stdout}${stderr}${code === -1 ? error?.message : ''}` });
		});
	});
}

async function exists(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		() => false,
	);
}
