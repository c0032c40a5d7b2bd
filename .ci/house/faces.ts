/**
 * The face of a package: its `exports` name what others may import, all of it is used, and nothing is imported past it.
 * What lies in `domain/` or `store/` is nobody else's, under whatever name.
 */
import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { SERVICES } from './layers.ts';
import { type Complaint, EVERYTHING, fileOfExport, lineAt, type SourceFile, type SourceTree } from './source-tree.ts';

const INNER = /^\.\/(domain|store)\//;

/**
 * Names that only tests and the bench may import: readers of outside bytes that the mangling suite calls directly, because
 * over HTTP every change of every byte would take days, and parts of which a test makes a damaged or a special instance.
 */
const TESTED = './tested/';
const MAY_TEST: readonly string[] = ['conformance', 'bench', 'testkit'];

export function faces(tree: SourceTree): Complaint[] {
	const used = usedExports(tree);
	return [
		...[...tree.sources.values()].flatMap((file) => [...checkImports(tree, file), ...checkPaths(file)]),
		...[...tree.manifests].flatMap(([owner, { path, exports }]) =>
			Object.entries(exports).flatMap(([subpath, file]): Complaint[] => {
				if (subpath === EVERYTHING) return [`${path}: '${EVERYTHING}' shows everything: npm run exports`];
				if (!existsSync(join(tree.root, 'packages', owner, file))) return [`${path}: '${subpath}' is no file`];
				if (!used.get(owner)?.has(subpath)) return [`${path}: nobody uses '${subpath}': npm run exports`];
				return [];
			}),
		),
	];
}

/** Per package the subpaths, each with its `./`, that files of other packages name in a string. */
export function usedExports(tree: SourceTree): Map<string, Set<string>> {
	const used = new Map<string, Set<string>>();
	for (const { owner, text } of tree.sources.values()) {
		for (const [, name = '', subpath = ''] of text.matchAll(NAMED)) {
			// `@chancery/${service}/main`: whichever service it is.
			const meant = name.startsWith('$') ? SERVICES : [name];
			for (const other of meant)
				if (other !== owner) used.set(other, (used.get(other) ?? new Set()).add(`./${subpath}`));
		}
	}
	return used;
}

const NAMED = /['"`]@chancery\/([a-z]+|\$\{[^}]+\})\/([\w./-]+)['"`]/g;

function checkImports(tree: SourceTree, { path, owner, isTest, imports }: SourceFile): Complaint[] {
	return imports.flatMap(({ specifier }): Complaint[] => {
		const [, name, rest] = /^@chancery\/([a-z]+)(?:\/(.+))?$/.exec(specifier) ?? [];
		const manifest = name === undefined ? undefined : tree.manifests.get(name);
		if (!manifest) return [];
		const subpath = `./${rest ?? ''}`;
		if (name === owner) return [`${path}: '${specifier}' is of this package: import it by its path`];
		if (INNER.test(subpath)) return [`${path}: '${specifier}' lies inside of ${name}: it is not part of its face`];
		if (subpath.startsWith(TESTED) && !isTest && !MAY_TEST.includes(owner))
			return [`${path}: '${specifier}' is for tests and the bench alone`];
		if (fileOfExport(manifest.exports, subpath) === undefined)
			return [`${path}: '${specifier}' is not in the exports of ${name}: npm run exports`];
		return [];
	});
}

/** The one place of the version, for whoever prints it. */
const VERSION_FILE = 'package.json';

/** What a path leads to stays in the package; programs of others are found by `import.meta.resolve`. */
function checkPaths({ path, owner, text }: SourceFile): Complaint[] {
	const from = posix.dirname(path);
	return [...text.matchAll(/['"`]((?:\.\.\/)+[^'"`\s]+\.(?:ts|json))['"`]/g)].flatMap(({ 1: written = '', index }) =>
		[`packages/${owner}/`, VERSION_FILE].some((place) => posix.join(from, written).startsWith(place))
			? []
			: [`${path}:${lineAt(text, index)}: '${written}' leaves the package`],
	);
}
