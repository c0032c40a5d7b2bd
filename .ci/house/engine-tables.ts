/** The tables of the log engine are read and written by the engine alone; services and tests ask functions of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Complaint, SourceTree } from './source-tree.ts';

/** `database-mark.ts` knows a log by a table of it, to refuse a mark beside what it marks. */
const MAY_NAME_THEM = /^packages\/(tlog\/|postgres\/src\/mark\/database-mark\.ts$)/;

export function engineTables(tree: SourceTree): Complaint[] {
	const tables = tree.paths
		.filter((path) => path.startsWith('packages/tlog/migrations/'))
		.flatMap((path) => [...readFileSync(join(tree.root, path), 'utf8').matchAll(/create table \$\{schema\}\.(\w+)/g)])
		.map(([, name]) => name);
	if (tables.length === 0) return [];
	const named = new RegExp(`\\b(${[...new Set(tables)].join('|')})\\b`);
	return [...tree.sources.values()]
		.filter(({ path }) => !MAY_NAME_THEM.test(path))
		.flatMap(({ path, text }) => {
			const [table] = named.exec(text) ?? [];
			return table === undefined ? [] : [`${path}: ${table} is the log engine's alone: ask a function of tlog`];
		});
}
