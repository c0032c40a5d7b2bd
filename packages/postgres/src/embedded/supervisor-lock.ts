/**
 * One supervisor for one data folder. The next supervisor stops a server that a dead supervisor left; it must not stop
 * the server of a living one.
 */
import { constants } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFile } from '../file-lock.ts';
import { openToWrite } from '../file-modes.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';

export interface SupervisorLock {
	release(): Promise<void>;
}

/**
 * Takes the lock.
 * @throws {EmbeddedPostgresError} `in-use` naming the process that holds it.
 */
export async function lockSupervisor(dataDir: string): Promise<SupervisorLock> {
	const path = join(dataDir, 'supervisor.lock');
	// Only for the message; it decides nothing.
	const holderPath = join(dataDir, 'supervisor.pid');
	const lock = await lockFile(path);
	if (!lock) throw inUse(path, await readFile(holderPath, 'utf8').catch(() => ''));
	await using file = await openToWrite(holderPath, constants.O_CREAT | constants.O_TRUNC, 0o600);
	await file.writeFile(`${process.pid}\n`);
	return {
		async release() {
			await rm(holderPath, { force: true });
			lock.release();
		},
	};
}

function inUse(path: string, holder: string): EmbeddedPostgresError {
	const pid = /^[1-9][0-9]{0,9}$/.exec(holder.trim())?.[0];
	if (pid === String(process.pid))
		return new EmbeddedPostgresError('in-use', `this process already runs the database of ${path}`);
	return new EmbeddedPostgresError(
		'in-use',
		`the database is run by ${pid ? `process ${pid}` : 'another process'} (${path})`,
	);
}
