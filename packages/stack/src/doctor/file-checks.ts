/** Files and folders of a service: who may read its secrets, and whether there is room where it writes. */
import { constants } from 'node:fs';
import { access, readFile, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Diagnosis, ok, problem, warning } from '@chancery/chassis/checkup';
import { Secret } from '@chancery/chassis/config/secret';
import { openToOthers } from '@chancery/keys/file/key-file-mode';
import { maskCredentials } from '@chancery/net/mask-credentials';

/** A mark or a tile is some kilobytes: below the first nothing is sure, below the second somebody has to look. */
const NO_ROOM_BYTES = 16 * 1024 ** 2;
const LITTLE_ROOM_BYTES = 256 * 1024 ** 2;

/** @param configured whatever was parsed; secrets are found wherever they stand in it */
export async function checkSecrets(configured: unknown): Promise<Diagnosis[]> {
	const files = [...new Set([...secretFiles(configured)])];
	const found: Diagnosis[] = [];
	for (const file of files) {
		const mode = openToOthers(await stat(file));
		if (mode !== undefined)
			found.push(warning(`${file} has mode ${mode}: others can read the secret`, `chmod 600 ${file}`));
	}
	if (found.length > 0) return found;
	return [
		ok(
			files.length === 0
				? 'no secret lies in a file'
				: `${files.length} of ${files.length} files with secrets are their owner's alone`,
		),
	];
}

function* secretFiles(value: unknown): Generator<string> {
	if (value instanceof Secret) {
		if (value.file !== undefined) yield value.file;
	} else if (typeof value === 'object' && value !== null)
		for (const member of Object.values(value)) yield* secretFiles(member);
}

/** The configuration file itself: a URL with a password in it belongs into a file of its own. */
export async function checkConfigFile(path: string): Promise<Diagnosis> {
	const text = await readFile(path, 'utf8');
	const mode = openToOthers(await stat(path));
	if (mode === undefined || maskCredentials(text) === text) return ok(`${path} can be used`);
	return warning(
		`${path} has a password in it and mode ${mode}: others can read it`,
		`write it as { file: PATH }, or chmod 600 ${path}`,
	);
}

/** Of a folder that is not there yet, the one above in which the service would make it. */
export async function checkFolder(purpose: string, path: string): Promise<Diagnosis> {
	const folder = await nearestThere(path);
	const code = await access(folder, constants.W_OK | constants.X_OK).then(
		() => undefined,
		(error: NodeJS.ErrnoException) => error.code,
	);
	if (code !== undefined)
		return problem(
			`${purpose}: this user may not write ${folder} (${code})`,
			`give it to the user of the service: chown USER ${folder}`,
		);
	const { bavail, bsize } = await statfs(folder);
	const free = bavail * bsize;
	const where = `${purpose}: ${folder} has ${inWords(free)} free`;
	const advice = `make room there: df -h ${folder}`;
	if (free < NO_ROOM_BYTES) return problem(where, advice);
	return free < LITTLE_ROOM_BYTES ? warning(where, advice) : ok(where);
}

async function nearestThere(path: string): Promise<string> {
	const found = await stat(path).catch(() => undefined);
	return found || dirname(path) === path ? path : nearestThere(dirname(path));
}

function inWords(bytes: number): string {
	const gib = bytes / 1024 ** 3;
	return gib >= 1 ? `${gib.toFixed(0)} GiB` : `${(bytes / 1024 ** 2).toFixed(0)} MiB`;
}
