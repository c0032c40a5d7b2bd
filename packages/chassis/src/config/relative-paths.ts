/**
 * Paths in the configuration are relative to the folder of the file that they stand in, wherever a service is started
 * from: so a folder with a configuration, its keys and its secrets can be moved, mounted and backed up as one.
 *
 * A file that is a credential of systemd lies in a flat folder. There `keys/ca-issuing.pem` is the credential
 * `keys_ca-issuing.pem`: so `LoadCredential=` names the files of a folder, and one configuration serves the unit and the
 * commands of an operator. See systemd.exec(5).
 */
import { dirname, isAbsolute, join, normalize, resolve } from 'node:path';
import type { Environment } from './secret.ts';

/** `certificateFile`, `keyFile`, `markFile`; below `markFiles` every value is one. */
const NAMES_A_PATH = /^(file|[a-z][A-Za-z0-9]*File)$/;
const HOLDS_PATHS = /^[a-z][A-Za-z0-9]*Files$/;
const FILE_URI = /^file:(?!\/)(.+)$/;

/** Makes a path of a configuration absolute. */
export type PathResolver = (path: string) => string;

/** @param file path of the configuration */
export function pathsBeside(file: string, env: Environment): PathResolver {
	const folder = dirname(resolve(file));
	const credentials = env.CREDENTIALS_DIRECTORY;
	if (!credentials || resolve(credentials) !== folder) return (path) => resolve(folder, path);
	return (path) => {
		const name = normalize(path);
		// What leaves the folder is no credential.
		if (isAbsolute(name) || name.startsWith('../')) return resolve(folder, name);
		return join(folder, name.replaceAll('/', '_'));
	};
}

/** Makes every path of a parsed section absolute, in place; whatever else is there is left as it is. */
export function resolvePaths(section: Record<string, unknown>, absolute: PathResolver): void {
	for (const [name, value] of Object.entries(section)) {
		if (typeof value === 'string') section[name] = resolveText(name, value, section, absolute);
		else if (Array.isArray(value)) value.filter(isMapping).forEach((each) => void resolvePaths(each, absolute));
		else if (isMapping(value)) {
			resolvePaths(value, absolute);
			if (!HOLDS_PATHS.test(name)) continue;
			for (const [key, path] of Object.entries(value)) if (typeof path === 'string') value[key] = absolute(path);
		}
	}
}

function resolveText(name: string, value: string, section: Record<string, unknown>, absolute: PathResolver): string {
	if (value === '') return value;
	if (NAMES_A_PATH.test(name)) return absolute(value);
	// The folder that a log is exported to.
	if (name === 'path' && section.kind === 'folder') return absolute(value);
	const [, relative] = (name === 'uri' && FILE_URI.exec(value)) || [];
	return relative === undefined ? value : `file:${absolute(relative)}`;
}

function isMapping(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
