/**
 * Prints the tests of some packages that use the database server of the test run: those that reach `test-server.ts` by their
 * imports, the only file that has its address. No other test can tell one PostgreSQL from another.
 *
 *     node .ci/database-tests.ts packages/log packages/tlog
 */
import { resolve } from 'node:path';
import { readSourceTree, type SourceTree } from './house/source-tree.ts';

const SERVER = 'packages/testkit/src/test-server.ts';

/** Paths from the root, sorted, of the tests below `folders` that reach the server. */
export function databaseTests({ sources }: SourceTree, folders: readonly string[]): string[] {
	const importers = new Map<string, string[]>();
	for (const { path, imports } of sources.values())
		for (const { target } of imports)
			if (target !== undefined) importers.set(target, [...(importers.get(target) ?? []), path]);
	const reaching = new Set([SERVER]);
	// A set that grows while it is walked: what is added is visited too.
	for (const path of reaching) for (const importer of importers.get(path) ?? []) reaching.add(importer);
	return [...reaching]
		.filter((path) => path.endsWith('.test.ts') && folders.some((folder) => path.startsWith(`${folder}/`)))
		.sort();
}

if (import.meta.main) {
	const folders = process.argv.slice(2);
	const tree = readSourceTree(resolve('.'));
	for (const folder of folders)
		if (databaseTests(tree, [folder]).length === 0) throw new Error(`no test of ${folder} uses a database`);
	console.log(databaseTests(tree, folders).join('\n'));
}
