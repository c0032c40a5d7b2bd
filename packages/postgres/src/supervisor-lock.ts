/**
 * One supervisor for one data folder. A server that a dead supervisor left behind is stopped by the next; the server
 * of a living one must not be.
 */
import { randomBytes } from 'node:crypto';
import { link, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { processIdentity } from './process-identity.ts';

export interface SupervisorLock {
	release(): Promise<void>;
}

interface Holder {
	readonly pid: number;
	/** See `processIdentity`: the number may since belong to another process. */
	readonly identity: string;
	/** Device and inode of the data folder: the file may have come along in a copy of it. */
	readonly folder: string;
}

const MAX_ATTEMPTS = 20;

/**
 * Takes the lock, from a dead holder if need be.
 * @throws EmbeddedPostgresError `in-use` naming the process that holds it.
 */
export async function lockSupervisor(dataDir: string): Promise<SupervisorLock> {
	const path = join(dataDir, 'supervisor.json');
	const { dev, ino } = await stat(dataDir);
	const identity = (await processIdentity(process.pid)) ?? '';
	const mine: Holder = { pid: process.pid, identity, folder: `${dev}:${ino}` };
	const draft = `${path}.${randomBytes(6).toString('hex')}`;
	await writeFile(draft, JSON.stringify(mine), { mode: 0o600 });
	try {
		for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
			// link: unlike a plain create, the file appears with its content, so nobody ever reads half a holder.
			if (await succeeds(link(draft, path), 'EEXIST')) return { release: () => release(path) };
			await clearDeadHolder(path, mine.folder);
		}
	} finally {
		await unlink(draft);
	}
	throw new EmbeddedPostgresError('in-use', `${path} could not be taken: others keep taking it`);
}

async function release(path: string): Promise<void> {
	await succeeds(unlink(path), 'ENOENT');
}

async function clearDeadHolder(path: string, folder: string): Promise<void> {
	const text = await readFile(path, 'utf8').catch(() => undefined);
	if (text === undefined) return;
	const holder = parseHolder(text);
	if (holder?.folder === folder && (await processIdentity(holder.pid)) === holder.identity)
		throw new EmbeddedPostgresError(
			'in-use',
			holder.pid === process.pid
				? `this process already runs the database of ${path}`
				: `the database is run by process ${holder.pid} (${path})`,
		);
	// Of several who find the same dead holder, one moves it away; a second one may then have moved a living holder's
	// file, and puts it back.
	const aside = `${path}.${randomBytes(6).toString('hex')}`;
	if (!(await succeeds(rename(path, aside), 'ENOENT'))) return;
	const moved = await readFile(aside, 'utf8');
	if (moved !== text) await succeeds(link(aside, path), 'EEXIST');
	await unlink(aside);
}

function parseHolder(text: string): Holder | undefined {
	try {
		const holder = JSON.parse(text) as Holder | null;
		return Number.isSafeInteger(holder?.pid) ? (holder ?? undefined) : undefined;
	} catch {
		// Cut short by a power failure: whoever wrote it is not running any more.
		return undefined;
	}
}

async function succeeds(action: Promise<void>, expectedFailure: string): Promise<boolean> {
	try {
		await action;
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === expectedFailure) return false;
		throw error;
	}
}
