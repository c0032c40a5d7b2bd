/**
 * What only tests need lies with them: in `test/` of the package, or in testkit where several need it. A file of `src` that
 * no program reaches is a test's, or nobody's.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Complaint, SourceFile, SourceTree } from './source-tree.ts';

const TESTKIT = 'testkit';

export function testSupport(tree: SourceTree): Complaint[] {
	const reached = reachedByPrograms(tree);
	return [...tree.sources.values()]
		.filter(isServed)
		.flatMap(({ path, text, imports }): Complaint[] => [
			...(/\/test-[^/]*$/.test(path) ? [`${path}: a file of this name belongs to the tests, or to ${TESTKIT}`] : []),
			...(/from 'vitest'/.test(text) ? [`${path}: only tests import vitest`] : []),
			...imports
				.filter(({ target }) => target?.split('/').includes('test'))
				.map(({ specifier }) => `${path}: '${specifier}' is for tests`),
			...(reached.has(path)
				? []
				: [`${path}: no program reaches it: it belongs to the tests, to ${TESTKIT}, or to nobody`]),
		]);
}

function isServed({ path, owner, isTest }: SourceFile): boolean {
	return !isTest && owner !== TESTKIT && /^packages\/[^/]+\/src\//.test(path) && !path.endsWith('.d.ts');
}

/** From every `main.ts`, and from what a manifest, a script in `bin/` or a program in `.ci` names, along the imports. */
function reachedByPrograms(tree: SourceTree): ReadonlySet<string> {
	const waiting = [...tree.sources.values()]
		.filter(isServed)
		.flatMap(({ path }) => (/\/main\.ts$/.test(path) ? [path] : []));
	for (const [owner, { text }] of tree.manifests) {
		const { exports: _, ...rest } = JSON.parse(text);
		waiting.push(...namedSources(owner, JSON.stringify(rest)));
	}
	for (const path of tree.paths) {
		const owner = /^packages\/([^/]+)\/bin\//.exec(path)?.[1];
		if (owner) waiting.push(...namedSources(owner, readFileSync(join(tree.root, path), 'utf8')));
		if (/^\.ci\/[^/]+(?<!\.test)\.ts$/.test(path))
			for (const [, file = ''] of readFileSync(join(tree.root, path), 'utf8').matchAll(/'\.\.\/(packages\/[^']+)'/g))
				waiting.push(file);
	}
	const reached = new Set<string>();
	for (const path of waiting) {
		if (reached.has(path)) continue;
		reached.add(path);
		for (const { target } of tree.sources.get(path)?.imports ?? []) if (target) waiting.push(target);
	}
	return reached;
}

function namedSources(owner: string, text: string): string[] {
	return [...text.matchAll(/\bsrc\/[\w./-]+\.ts/g)].map(([file]) => `packages/${owner}/${file}`);
}
