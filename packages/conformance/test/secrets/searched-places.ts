/** The places where secrets could be left: files as they are on the disk, and rows as the database returns them. */
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Database } from '@chancery/postgres/sql';

export interface SearchedPlace {
	/** Its name in exceptions and reports. */
	readonly place: string;
	readonly bytes: Buffer;
	/** Whether to decode encodings inside of it and search the result; too slow for the raw files of a database. */
	readonly isDeep: boolean;
}

const MAX_DEEP_BYTES = 4 * 1024 * 1024;

/** Every file below `folder`, with its name: a token could become the name of a file. */
export async function* filesBelow(name: string, folder: string): AsyncGenerator<SearchedPlace> {
	const names: string[] = [];
	for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
		const path = join(entry.parentPath, entry.name);
		const place = `file ${name}/${relative(folder, path)}`;
		names.push(place);
		// Sockets and pipes contain nothing. A file may have been removed in the meantime.
		if (!entry.isFile()) continue;
		const bytes = await readFile(path).catch(() => undefined);
		if (bytes) yield { place, bytes, isDeep: bytes.length <= MAX_DEEP_BYTES };
	}
	yield { place: `file names of ${name}`, bytes: Buffer.from(names.join('\n')), isDeep: true };
}

/** Every row of every table of every schema, except the server's catalogue of types and functions; also what runs. */
export async function* rowsOf(name: string, database: Database): AsyncGenerator<SearchedPlace> {
	const tables = await database.query<{ name: string }>(
		`select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'p', 'm', 'v') and not c.relispartition
			and (n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') or c.relname in ('pg_stat_activity', 'pg_settings', 'pg_prepared_statements'))`,
	);
	for (const { name: table } of tables) {
		const rows = await database.query<Record<string, unknown>>(`select * from ${table}`);
		const parts = rows.flatMap((row) =>
			Object.values(row).flatMap((value) => [
				// bytea values are bytes; all others are text, or become text as JSON.
				Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : (JSON.stringify(value) ?? '')),
				Buffer.from('\n'),
			]),
		);
		yield { place: `rows ${name} ${table}`, bytes: Buffer.concat(parts), isDeep: true };
	}
}

/** Permission bits of a path, as octal digits. */
export async function modeOf(path: string): Promise<string> {
	return ((await lstat(path)).mode & 0o7777).toString(8).padStart(4, '0');
}
