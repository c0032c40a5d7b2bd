/**
 * Where the test vectors of other projects lie: the folder that VECTORS names, by default beside the repository.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../../..');

/** Folder of the vectors. */
export const VECTORS = process.env.VECTORS ?? resolve(REPOSITORY, '../shared/vectors');

/** Folder of the bundles that real clients are tested with. */
export const CONFORMANCE_CASES = process.env.CONFORMANCE_CASES ?? resolve(REPOSITORY, '../shared/conformance-cases');

/** Whether a folder is there. In CI its absence is an error: a suite that cannot run has not passed. */
export function isPresent(folder: string): boolean {
	if (existsSync(folder)) return true;
	if (process.env.CI) throw new Error(`${folder} is missing: its tests were not run`);
	return false;
}

/** Every JSON file below a folder, by path. */
export function jsonFiles<T>(folder: string): { path: string; content: T }[] {
	return readdirSync(folder, { recursive: true, encoding: 'utf8' })
		.filter((path) => path.endsWith('.json'))
		.sort()
		.map((path) => ({ path, content: JSON.parse(readFileSync(join(folder, path), 'utf8')) as T }));
}
