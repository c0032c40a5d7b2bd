/**
 * Paths in the configuration are relative to the folder of the file that they stand in, wherever a service is started
 * from: so a folder with a configuration, its keys and its secrets can be moved, mounted and backed up as one.
 */
import { resolve } from 'node:path';

/** `certificateFile`, `keyFile`, `markFile`; below `markFiles` every value is one. */
const NAMES_A_PATH = /^(file|[a-z][A-Za-z0-9]*File)$/;
const HOLDS_PATHS = /^[a-z][A-Za-z0-9]*Files$/;
const FILE_URI = /^file:(?!\/)(.+)$/;

/** Makes every path of a parsed section absolute, in place; whatever else is there is left as it is. */
export function resolvePaths(section: Record<string, unknown>, folder: string): void {
	for (const [name, value] of Object.entries(section)) {
		if (typeof value === 'string') section[name] = resolveText(name, value, section, folder);
		else if (Array.isArray(value)) value.filter(isMapping).forEach((each) => void resolvePaths(each, folder));
		else if (isMapping(value)) {
			resolvePaths(value, folder);
			if (!HOLDS_PATHS.test(name)) continue;
			for (const [key, path] of Object.entries(value)) if (typeof path === 'string') value[key] = resolve(folder, path);
		}
	}
}

function resolveText(name: string, value: string, section: Record<string, unknown>, folder: string): string {
	if (value === '') return value;
	if (NAMES_A_PATH.test(name)) return resolve(folder, value);
	// The folder that a log is exported to.
	if (name === 'path' && section.kind === 'folder') return resolve(folder, value);
	const [, relative] = (name === 'uri' && FILE_URI.exec(value)) || [];
	return relative === undefined ? value : `file:${resolve(folder, relative)}`;
}

function isMapping(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
