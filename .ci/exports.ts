/**
 * Writes into every `package.json` which of its files other packages may import: those that they do import, or name in a
 * string, in programs and tests. `npm run exports`; the house rules refuse an export that nobody uses, and an import of
 * what is not exported. An entry whose file is not called like itself (`./tested/...`) is written by hand, and kept while
 * it is used.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { usedExports } from './house/faces.ts';
import { EVERYTHING, readSourceTree } from './house/source-tree.ts';

const root = resolve(process.argv[2] ?? '.');
const tree = readSourceTree(root);
const used = usedExports(tree);
const missing: string[] = [];

for (const [owner, { path, text, exports }] of tree.manifests) {
	const { [EVERYTHING]: _, ...named } = exports;
	const face: Record<string, string> = {};
	for (const subpath of [...(used.get(owner) ?? [])].sort()) {
		const file = named[subpath] ?? `./src/${subpath.slice(2)}.ts`;
		if (tree.sources.has(join('packages', owner, file))) face[subpath] = file;
		else missing.push(`@chancery/${owner}/${subpath.slice(2)}`);
	}
	const written = `${JSON.stringify({ ...JSON.parse(text), exports: face }, undefined, '\t')}\n`;
	if (written !== text) writeFileSync(join(root, path), written);
	console.log(`${path}: ${Object.keys(face).length} exports`);
}
if (missing.length > 0) {
	console.error(`named, but no files: ${missing.join(', ')}`);
	process.exit(1);
}
