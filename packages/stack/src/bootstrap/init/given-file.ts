/** Files that whoever runs `init` names: small texts. */
import { readFile, stat } from 'node:fs/promises';
import { Refusal } from '../../instance/refusal.ts';

const MAX_BYTES = 256 * 1024;

/**
 * @param what is read, for errors: `the answers`
 * @throws {Refusal} when it cannot be read, or is no file of at most 256 KiB: a pipe or a device could be read for ever
 */
export async function readGivenFile(path: string, what: string): Promise<string> {
	try {
		const found = await stat(path);
		if (!found.isFile() && !found.isDirectory())
			throw new Refusal(`${what} ${path} cannot be read: it is no file, but a pipe or a device`);
		if (found.size > MAX_BYTES)
			throw new Refusal(`${what} ${path} cannot be read: it is longer than ${MAX_BYTES} bytes`);
		return await readFile(path, 'utf8');
	} catch (error) {
		if (error instanceof Refusal) throw error;
		const { code = 'unknown error' } = error as NodeJS.ErrnoException;
		throw new Refusal(`${what} ${path} cannot be read (${code})`, { cause: error });
	}
}
