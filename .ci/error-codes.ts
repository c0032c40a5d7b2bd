/**
 * Every code under which something is refused, by package, read from the code: the tables of statuses (`errors.ts` of a
 * service), and the types of the errors that are thrown.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHASSIS_ERRORS } from '../packages/chassis/src/http/error-rendering.ts';

const ROOT = join(import.meta.dirname, '..');
/** Tools for those who work on the project. */
const LEFT_OUT = new Set(['bench', 'testkit', 'conformance']);

/** A class with codes of its own; its parent's type argument says which. */
const CLASS = /^export (?:abstract )?class (\w+)(?:<[^{]*?>)? extends (?:ChanceryError|FormatError)<([^{]+?)> \{/gm;
/** Whose codes are those of the tables, or of the formats that name them. */
const WITHOUT_OWN = new Set(['DomainError', 'ChanceryError']);

/** Sorted codes by package. @throws {Error} for a class whose codes cannot be read */
export async function errorCodes(): Promise<ReadonlyMap<string, readonly string[]>> {
	const found = new Map<string, Set<string>>();
	const add = (path: string, codes: Iterable<string>) => {
		const [, name = ''] = path.split('/');
		if (LEFT_OUT.has(name)) return;
		found.set(name, new Set([...(found.get(name) ?? []), ...codes]));
	};
	add('packages/chassis/', Object.keys(CHASSIS_ERRORS));
	const paths = globSync('packages/*/src/**/*.ts', { cwd: ROOT }).filter((path) => !path.endsWith('.test.ts'));
	const texts = new Map(paths.map((path) => [path, withoutComments(readFileSync(join(ROOT, path), 'utf8'))]));
	for (const [path, text] of texts) {
		const ofPackage = [...texts].filter(([other]) => other.split('/')[1] === path.split('/')[1]).map(([, it]) => it);
		for (const [, name = '', type = ''] of text.matchAll(CLASS))
			if (!WITHOUT_OWN.has(name)) add(path, literalsOf(type, ofPackage.join('\n'), `${path}: ${name}`));
		if (path.endsWith('src/errors.ts')) add(path, codesOfTables(await import(join(ROOT, path))));
	}
	return new Map([...found].map(([name, codes]) => [name, [...codes].sort()] as const).sort());
}

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

/** Of the tables that a service exports, without those of the chassis that it takes over as they are. */
function codesOfTables(exported: Readonly<Record<string, unknown>>): string[] {
	const tables = Object.values(exported).filter(isTable);
	return tables.flatMap((table) =>
		Object.entries(table).flatMap(([code, entry]) =>
			(CHASSIS_ERRORS as Readonly<Record<string, unknown>>)[code] === entry ? [] : [code],
		),
	);
}

function isTable(value: unknown): value is Readonly<Record<string, { readonly status: number }>> {
	if (typeof value !== 'object' || value === null) return false;
	return Object.values(value).every((entry) => typeof entry?.status === 'number' && typeof entry.title === 'string');
}

/** The strings of a union type: written out, the name of one that the package declares, or of a list of them. */
function literalsOf(type: string, text: string, where: string): string[] {
	const literals: string[] = [];
	for (const part of type
		.split('|')
		.map((it) => it.trim())
		.filter(Boolean)) {
		const [, literal] = /^'([a-z0-9-]+)'$/.exec(part) ?? [];
		const [, list] = /^\(typeof (\w+)\)\[number\]$/.exec(part) ?? [];
		if (literal !== undefined) literals.push(literal);
		else if (list !== undefined) literals.push(...stringsOf(declarationOf(list, text, where)));
		else if (part !== 'Code') literals.push(...literalsOf(declarationOf(part, text, where), text, where));
	}
	return literals;
}

/** The right side of `type NAME = ...;`, `const NAME = ...;` or `as const`. */
function declarationOf(name: string, text: string, where: string): string {
	const [, right] = new RegExp(`(?:type|const) ${name} =([^;]*);`).exec(text) ?? [];
	if (right === undefined) throw new Error(`${where}: the codes of ${name} are not declared in its package`);
	return right;
}

const stringsOf = (text: string): string[] => [...text.matchAll(/'([a-z0-9-]+)'/g)].map(([, code = '']) => code);
