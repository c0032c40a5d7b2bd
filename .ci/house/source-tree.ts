/** The files of the repository as the house rules see them: their packages, their parts, and what they import. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

export interface Import {
	/** As it is written. */
	readonly specifier: string;
	/** The file of this tree that is meant, from the root; undefined for a library and for what cannot be resolved. */
	readonly target: string | undefined;
}

export interface SourceFile {
	/** From the root, with `/`. */
	readonly path: string;
	/** Name of the package's folder. */
	readonly owner: string;
	readonly text: string;
	readonly isTest: boolean;
	readonly imports: readonly Import[];
}

export interface Manifest {
	readonly path: string;
	readonly text: string;
	readonly exports: Readonly<Record<string, string>>;
}

export interface SourceTree {
	readonly root: string;
	/** Every file that git knows or would take. */
	readonly paths: readonly string[];
	/** The TypeScript files of all packages, by their path. */
	readonly sources: ReadonlyMap<string, SourceFile>;
	/** `package.json` of each package, by the name of its folder. */
	readonly manifests: ReadonlyMap<string, Manifest>;
}

/** What is found: `file: what is wrong`. */
export type Complaint = string;

const IMPORT = /(?:\bfrom|\bimport|\bimport\(|\bimport\.meta\.resolve\(|\bnew URL\()\s*'([^']+)'/g;

/** @throws when `root` is not in a git repository */
export function readSourceTree(root: string): SourceTree {
	const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
		cwd: root,
		encoding: 'utf8',
	});
	const paths = list.split('\n').filter((path) => path !== '' && existsSync(join(root, path)));
	const known = new Set(paths);
	const manifests = new Map<string, Manifest>();
	for (const path of paths) {
		const owner = /^packages\/([^/]+)\/package\.json$/.exec(path)?.[1];
		if (owner === undefined) continue;
		const text = readFileSync(join(root, path), 'utf8');
		manifests.set(owner, { path, text, exports: JSON.parse(text).exports ?? {} });
	}
	const sources = new Map<string, SourceFile>();
	for (const path of paths) {
		const owner = /^packages\/([^/]+)\/.*\.ts$/.exec(path)?.[1];
		if (owner === undefined) continue;
		const text = readFileSync(join(root, path), 'utf8');
		const imports = [...text.matchAll(IMPORT)].map(([, specifier = '']): Import => {
			const target = resolveImport(path, specifier, manifests);
			return { specifier, target: target !== undefined && known.has(target) ? target : undefined };
		});
		sources.set(path, { path, owner, text, isTest: /\.test\.ts$|\/test\//.test(path), imports });
	}
	return { root, paths, sources, manifests };
}

function resolveImport(from: string, specifier: string, manifests: ReadonlyMap<string, Manifest>): string | undefined {
	if (specifier.startsWith('.')) return posix.join(dirname(from), specifier);
	const [, owner = '', name = ''] = /^@chancery\/([a-z]+)\/(.+)$/.exec(specifier) ?? [];
	const file = fileOfExport(manifests.get(owner)?.exports ?? {}, `./${name}`);
	return file && posix.join('packages', owner, file);
}

/** The file that `exports` gives for a subpath that begins with `./`, itself from the package's folder. */
export function fileOfExport(exports: Readonly<Record<string, string>>, subpath: string): string | undefined {
	if (Object.hasOwn(exports, subpath)) return exports[subpath];
	return exports[EVERYTHING]?.replace('*', subpath.slice(2));
}

/** The pattern by which a package shows all of its files. */
export const EVERYTHING = './*';

/** `main` of `packages/ca/src/http/main.ts` is in `http`; a file that lies in `src` itself is in ''. Undefined outside of `src`. */
export function partOf(path: string): string | undefined {
	const inside = /^packages\/[^/]+\/src\/(.+)$/.exec(path)?.[1];
	return inside === undefined ? undefined : inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : '';
}

/** The number of the line in which `index` of `text` lies. */
export function lineAt(text: string, index: number): number {
	return text.slice(0, index).split('\n').length;
}
