/**
 * Tessera's fsck, an auditor of tile logs by other people: recomputes every hash of the v2 log from its entry bundles.
 */
import { execFile } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type FoundPeer, findInstalled } from '@chancery/testkit/peers/find-peer';
import { TOOLS } from '@chancery/testkit/peers/peer-table';
import { V2_ORIGIN } from './answers.ts';
import { verifierKeyOf } from './signed-trees.ts';

const RUN_WITHIN_MS = 900_000;

export type Fsck = (url: string) => Promise<'intact' | { readonly complaint: string }>;

/** The program where `test:peers` has put it: nothing is built for a campaign. */
export const findFsck = (): Promise<FoundPeer> => findInstalled('tessera fsck', TOOLS['tessera fsck']);

/** Fsck for the log of this key. It reports on standard error and exits with 0 whatever it finds. */
export async function openFsck(path: string, folder: string, key: KeyObject): Promise<Fsck> {
	const keyFile = join(folder, 'v2.vkey');
	await writeFile(keyFile, verifierKeyOf(V2_ORIGIN, key));
	return async (url) => {
		const args = ['--storage_url', `${url}/`, '--public_key', keyFile, '--ui=false', '--N', '2', '--v', '1'];
		const { code, said } = await run(path, args);
		const isDone = /Completed ranges/.test(said);
		return code === 0 && isDone && !/fsck failed|\bE\d{4}\b/.test(said) ? 'intact' : { complaint: said.slice(-2_000) };
	};
}

function run(program: string, args: readonly string[]): Promise<{ code: number; said: string }> {
	return new Promise((resolve) => {
		const options = { timeout: RUN_WITHIN_MS, maxBuffer: 64 * 1024 * 1024, cwd: homedir() };
		execFile(program, args, options, (error, stdout, stderr) => {
			const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
			resolve({ code, said: `${stdout}${stderr}${code === -1 ? error?.message : ''}` });
		});
	});
}
