/**
 * Where the marks of a development instance lie: in the user's state folder, outside of the data folder, so that a
 * restored or rolled back data folder is noticed.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { makeFolders } from '@chancery/postgres/file-modes';
import { findUntrusted } from '@chancery/postgres/trusted-path';
import { Refusal } from './refusal.ts';

/** The folder of all marks of the instance with this id (XDG state folder). */
export function markFolder(instanceId: string): string {
	return join(process.env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'chancery', instanceId);
}

/**
 * Makes the folder before anything depends on it.
 * @throws {Refusal} when there is no place for it
 */
export async function makeMarkFolder(instanceId: string): Promise<void> {
	const folder = markFolder(instanceId);
	const refused = (reason: string, cause?: unknown) =>
		new Refusal(
			`cannot keep the marks in your state folder (${reason}); set XDG_STATE_HOME to a folder outside of --data`,
			{ cause },
		);
	// Before and after: root, say with the home of somebody else, would follow what that user puts in the way.
	const before = await findUntrusted(join(folder, 'mark'));
	if (before !== undefined) throw refused(before);
	try {
		await makeFolders(folder, 0o700);
	} catch (error) {
		throw refused(error instanceof Error ? error.message : String(error), error);
	}
	const after = await findUntrusted(join(folder, 'mark'));
	if (after !== undefined) throw refused(after);
}

/** File of a mark of a service: its only one, or the one of this name. */
export function markPath(instanceId: string, service: string, mark = 'mark'): string {
	return join(markFolder(instanceId), `${mark === 'mark' ? service : `${service}-${mark}`}.mark`);
}
