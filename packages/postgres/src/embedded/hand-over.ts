/**
 * A cluster changes its account: one that an earlier version made for `nobody`, or one whose account the operator, or a
 * new machine, has changed.
 *
 * A process of the old account may be at work in the tree, with links ready, so root neither walks through it nor gives
 * it away in place. A process of the old account reads the tree, one of the new account writes what it reads into a
 * folder of its own: each has the rights of its account and no more. It takes the space of the cluster a second time.
 *
 * What a crash leaves: before the rename to `.whole`, the old cluster and a draft that the next start removes; after it
 * the copy is the database, and `finishHandOver` of the next start puts it into its place.
 */
import { spawn } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { syncFolder } from '../file-modes.ts';
import { draftOf, lstatOrNothing, makeAccountFolder, removeAccountFolder, removeDrafts } from './account-folder.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { runAs, SCRUBBED_ENV, type ServerUser } from './server-user.ts';

const WHOLE = '.whole';
const STEP_TIMEOUT_MS = 3_600_000;
const MAX_SAID_CHARS = 2_000;

/**
 * Gives the cluster, which no server runs on, to another account.
 * @throws EmbeddedPostgresError `hand-over-failed`; the old cluster is then still in its place.
 */
export async function handOver(cluster: string, from: ServerUser, to: ServerUser, binaries: Binaries): Promise<void> {
	const failed = (why: string) =>
		new EmbeddedPostgresError(
			'hand-over-failed',
			`the database at ${cluster} cannot be handed over from user ${from.uid} to user ${to.uid}: ${why}`,
		);
	const copy = draftOf(cluster);
	await makeAccountFolder(copy, to);
	try {
		const problem = await copyTree(cluster, from, copy, to);
		if (problem !== undefined) throw failed(problem);
		// PostgreSQL makes none of these here. A link would lead the server, though not root, to places of others.
		const odd = ['(', '!', '-type', 'd', '!', '-type', 'f', ')', '-o', '(', '-type', 'f', '-links', '+1', ')'];
		const look = await runAs(to, '/usr/bin/find', [copy, ...odd], STEP_TIMEOUT_MS);
		if (look.code !== 0) throw failed(look.said);
		if (look.said !== '')
			throw failed(`links, or what is neither file nor folder, are in it: ${look.said.replaceAll(copy, cluster)}`);
		const sync = await runAs(to, join(binaries.binDir, 'initdb'), ['--sync-only', '-D', copy], STEP_TIMEOUT_MS);
		if (sync.code !== 0) throw failed(sync.said);
	} catch (error) {
		await removeAccountFolder(copy);
		throw error;
	}
	await rename(copy, `${cluster}${WHOLE}`);
	await syncFolder(dirname(cluster));
	await finishHandOver(cluster);
	await removeDrafts(cluster);
}

/** Puts a whole copy into its place. The old cluster becomes a draft, which its owner removes. Does nothing without. */
export async function finishHandOver(cluster: string): Promise<void> {
	const whole = `${cluster}${WHOLE}`;
	if ((await lstatOrNothing(whole)) === undefined) return;
	if ((await lstatOrNothing(cluster)) !== undefined) await rename(cluster, draftOf(cluster));
	await rename(whole, cluster);
	await syncFolder(dirname(cluster));
}

/** From one account's folder into the other's, by way of a pipe. What went wrong, in words. */
async function copyTree(source: string, from: ServerUser, target: string, to: ServerUser): Promise<string | undefined> {
	const exclude = ['--exclude=./postmaster.pid', '--exclude=./postmaster.opts'];
	const reader = startTar(from, ['-C', source, ...exclude, '-cf', '-', '.']);
	const writer = startTar(to, ['-C', target, '--no-overwrite-dir', '-xpf', '-']);
	await pipeline(reader.child.stdout, writer.child.stdin).catch(() => undefined);
	const ends = [await reader.ended, await writer.ended].filter((end) => end !== '');
	return ends.length === 0 ? undefined : ends.join('; ');
}

function startTar(user: ServerUser, args: readonly string[]) {
	const child = spawn('tar', args, { ...user, cwd: '/', env: SCRUBBED_ENV, stdio: ['pipe', 'pipe', 'pipe'] });
	let said = '';
	child.stderr.on('data', (chunk: Buffer) => {
		said = `${said}${chunk}`.slice(-MAX_SAID_CHARS);
	});
	const ended = new Promise<string>((resolve) => {
		child.once('error', (error) => resolve(error.message));
		child.once('close', (code, name) => resolve(code === 0 ? '' : `tar ended with ${name ?? code}: ${said.trim()}`));
	});
	return { child, ended };
}
