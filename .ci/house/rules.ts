/**
 * All the house rules, over one tree. What is still broken and being mended stands in its `.ci/exceptions.json`, with the
 * work that mends it; an exception that nothing needs is itself refused.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { circles } from './circles.ts';
import { engineTables } from './engine-tables.ts';
import { errorRoot } from './error-root.ts';
import { faces } from './faces.ts';
import { folderOrder } from './folder-order.ts';
import { layers } from './layers.ts';
import { namesAndSizes } from './names-and-sizes.ts';
import { outsideValues } from './outside-values.ts';
import { type Complaint, readSourceTree } from './source-tree.ts';
import { testSupport } from './test-support.ts';

const RULES = [namesAndSizes, layers, faces, circles, folderOrder, testSupport, outsideValues, errorRoot, engineTables];
const EXCEPTIONS = '.ci/exceptions.json';

interface Exception {
	/** Matches the complaints that are meant. */
	readonly complaint: string;
	/** The work after which there are none. */
	readonly until: string;
}

export interface Findings {
	/** How many files there are. */
	readonly files: number;
	readonly exceptions: number;
	readonly complaints: readonly Complaint[];
}

/** @throws when `root` is not the root of a git repository */
export function checkHouse(root: string): Findings {
	const tree = readSourceTree(root);
	const all = RULES.flatMap((rule) => rule(tree));
	const exceptions = readExceptions(join(root, EXCEPTIONS));
	const complaints = [
		...all.filter((complaint) => !exceptions.some(({ pattern }) => pattern.test(complaint))),
		...exceptions
			.filter(({ pattern }) => !all.some((complaint) => pattern.test(complaint)))
			.map(({ pattern, until }) => `${EXCEPTIONS}: nothing breaks ${pattern} any more (${until}): take it out`),
	];
	return { files: tree.paths.length, exceptions: exceptions.length, complaints };
}

function readExceptions(file: string): { pattern: RegExp; until: string }[] {
	if (!existsSync(file)) return [];
	const written: readonly Exception[] = JSON.parse(readFileSync(file, 'utf8'));
	return written.map(({ complaint, until }) => ({ pattern: new RegExp(complaint), until }));
}
