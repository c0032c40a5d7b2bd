/**
 * The released program: its code from this repository, by its commit, installed as its own README says. Kept in the
 * user's cache, outside of the repository, so that only the first run installs it.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NEW_PROGRAM, type Program } from './program.ts';
import { RELEASED } from './released-version.ts';

const exec = promisify(execFile);

/** Of one released version: its program, and instances that it has filled. */
export const CACHE = join(
	process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
	'chancery/upgrade',
	`${RELEASED.version}-${RELEASED.commit.slice(0, 12)}`,
);

const INSTALL_WITHIN_MS = 600_000;

/**
 * Opens the released program, taking and installing it when it is not there yet.
 * @throws {Error} naming the commit and what to fetch when this clone does not have it: the promise is then not tested,
 * and a run that skips it would say that it was
 */
export async function openOldProgram(): Promise<Program> {
	const { version, commit } = RELEASED;
	const checkout = join(CACHE, 'program');
	const program: Program = { name: `version ${version}`, checkout };
	const stamp = join(CACHE, 'installed');
	if (existsSync(stamp)) return program;
	await requireCommit();
	// What an interrupted run left.
	await rm(checkout, { recursive: true, force: true });
	await mkdir(checkout, { recursive: true, mode: 0o700 });
	const archive = join(CACHE, 'program.tar');
	await git('archive', '--format=tar', '--output', archive, commit);
	await exec('tar', ['-xf', archive, '-C', checkout]);
	await rm(archive);
	const stated = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')).version;
	if (stated !== version) throw new Error(`commit ${commit} says it is version ${stated}, not ${version}`);
	// The first half of `npm start`.
	await exec('npm', ['run', '--silent', 'prestart'], { cwd: checkout, timeout: INSTALL_WITHIN_MS });
	await writeFile(stamp, '', { mode: 0o600 });
	return program;
}

async function requireCommit(): Promise<void> {
	const { version, tag, commit } = RELEASED;
	try {
		await git('cat-file', '-e', `${commit}^{commit}`);
	} catch (cause) {
		throw new Error(
			`the released version ${version} is commit ${commit} (${tag}), which this clone does not have: ` +
				`git fetch --unshallow, or git fetch origin ${commit}`,
			{ cause },
		);
	}
}

async function git(...args: string[]): Promise<void> {
	await exec('git', ['-C', NEW_PROGRAM.checkout, ...args]);
}
