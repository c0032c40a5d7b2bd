/**
 * Moves a cluster to another account: one that an earlier version made for `nobody`, or one whose account the operator,
 * or a new machine, has changed.
 *
 * A process of the old account may be active in the tree and place links there. So root neither walks through the tree
 * nor changes its owner in place. A process of the old account reads the tree, and one of the new account writes what it
 * receives into a folder of its own: each has only the rights of its account. Needs the space of the cluster twice.
 *
 * After a crash before the rename to `.whole`, there is the old cluster and a draft that the next start removes. After a
 * crash after it, the copy is the database, and `finishHandOver` of the next start puts it into its place.
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
 * @throws {EmbeddedPostgresError} `hand-over-failed`; the old cluster is then still in its place.
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
		// PostgreSQL makes none of these here. A link would lead the server, though not root, into folders of others.
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

/** Puts a complete copy into its place. The old cluster becomes a draft, which its owner removes. Without a copy: nothing. */
export async function finishHandOver(cluster: string): Promise<void> {
	const whole = `${cluster}${WHOLE}`;
	if ((await lstatOrNothing(whole)) === undefined) return;
	if ((await lstatOrNothing(cluster)) !== undefined) await rename(cluster, draftOf(cluster));
	await rename(whole, cluster);
	await syncFolder(dirname(cluster));
}

/** Copies from one account's folder into the other's through a pipe. Returns what went wrong, in words. */
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
