/**
 * The mark in another database, for several processes: they share it, and every write is conditional.
 *
 * Another database means another cluster, with backups that are never restored together with the marked one. What can be
 * detected from here is refused: a mark in the marked database, and a server that may lose what it acknowledged. If the
 * mark goes back all the same, the running processes know a newer one and correct it.
 */
import { durabilityProblem, SETTINGS_COLUMNS, type ServerSettings } from '../durability.ts';
import { type MigrationReport, type MigrationSource, migrate } from '../migrate.ts';
import { type SchemaName, schemaName } from '../schema-name.ts';
import type { Database, Sql } from '../sql.ts';
import { type AdoptableMarkStore, type Mark, MarkError, type MarkInspection } from './mark.ts';

export interface DatabaseMarkOptions {
	/** Not the marked database. Its opener closes it, after its last user. */
	readonly database: Database;
	/** Schema with the table of marks (`migrateMarks`). */
	readonly schema: string;
	/** Name of the mark: the same in all processes of one log or service, and in no other. At most 200 characters. */
	readonly name: string;
}

interface MarkRow {
	origin: string;
	key_id: Uint8Array;
	size: number;
	root: Uint8Array;
	note: Uint8Array;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/;

/** Makes the table of marks. Safe when several processes start at once. */
export function migrateMarks(database: Database, schema: string): Promise<MigrationReport> {
	return migrate(database, markMigrations(schema));
}

/** The table of marks in a schema of its own. */
export function markMigrations(schema: string): MigrationSource {
	return { schema, component: 'tlog-marks', directory: new URL('../../mark-migrations/', import.meta.url) };
}

/** @throws {TypeError} when `name` or `schema` is not valid */
export function openDatabaseMark(options: DatabaseMarkOptions): AdoptableMarkStore {
	const { database, name } = options;
	if (!NAME.test(name)) throw new TypeError(`'${name}' is not the name of a mark`);
	const schema = schemaName(options.schema);
	let isApart = false;
	const requireApart = async () => {
		isApart ||= !(await holdsMarked(database));
		if (!isApart)
			throw new MarkError(
				`the mark ${name} lies in a database that holds logs or a TUF repository, and would be restored together with them: give it another database`,
			);
	};
	/** A transaction also when it only confirms: its COMMIT waits until what it read is durable. */
	const write = async (change: (sql: Sql) => Promise<void>): Promise<void> => {
		try {
			await requireApart();
			await database.transaction(change);
		} catch (cause) {
			// Also when the outcome is unknown: the caller tries again, and finds the mark that it wrote, or writes it.
			throw cause instanceof MarkError ? cause : new MarkError(`the mark ${name} cannot be written`, { cause });
		}
	};

	return {
		async read() {
			try {
				await requireApart();
				return (await readMark(database, schema, name))?.mark;
			} catch (cause) {
				throw cause instanceof MarkError ? cause : new MarkError(`the mark ${name} cannot be read`, { cause });
			}
		},
		inspect: () => inspectDatabaseMark(options),
		async clockMs() {
			try {
				const [row] = await database.query<{ ms: number }>(
					'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms',
				);
				return Number(row?.ms);
			} catch (cause) {
				throw new MarkError(`the clock beside the mark ${name} cannot be read`, { cause });
			}
		},
		advance: (mark) =>
			write(async (sql) => {
				await upsertMark(sql, schema, name, mark);
				// The row is locked now, whether it was changed or not: no process moves it before our COMMIT.
				const stored = await readMark(sql, schema, name);
				requireReached(name, stored?.mark, mark);
			}),
		// What it asks of the server is what a write needs: not a standby, not read-only, and durable.
		probe: () => write(async (sql) => void (await readMark(sql, schema, name))),
		replace: (mark) =>
			write(async (sql) => {
				await setMark(sql, schema, name, mark);
				await readMark(sql, schema, name);
			}),
	};
}

/**
 * Looks at a mark without making its table, for a reader that does not use it.
 * @throws {MarkError} when the database does not answer, lies where the marked data lies, or may lose what it acknowledged
 */
async function inspectDatabaseMark({ database, schema, name }: DatabaseMarkOptions): Promise<MarkInspection> {
	const where = `${name} in the database of the marks`;
	try {
		if (await holdsMarked(database))
			throw new MarkError(`the mark ${where} would be restored together with what it marks: give it another database`);
		const [found] = await database.query<{ table: string | null; may: boolean | null; ms: number }>(
			`select t.name as table, (extract(epoch from clock_timestamp()) * 1000)::float8 as ms,
				case when t.name is null then has_database_privilege(current_database(), 'create')
				else has_table_privilege(t.name, 'select') and has_table_privilege(t.name, 'insert')
					and has_table_privilege(t.name, 'update') end as may
			from (select to_regclass($1)::text as name) t`,
			[`${schemaName(schema)}.tlog_marks`],
		);
		const table = found?.table ?? undefined;
		const stored = table === undefined ? undefined : await readMark(database, schemaName(schema), name);
		return {
			where,
			mark: stored?.mark,
			holder: undefined,
			obstacle: found?.may
				? undefined
				: table === undefined
					? `this role may not make the schema ${schema} there`
					: `this role may not select, insert and update in ${table}`,
			folder: undefined,
			clockMs: found?.ms,
		};
	} catch (cause) {
		throw cause instanceof MarkError ? cause : new MarkError(`the mark ${where} cannot be read`, { cause });
	}
}

/** Whether the marked data is in this database too; recognised by a table of each. */
async function holdsMarked(sql: Sql): Promise<boolean> {
	const [row] = await sql.query<{ found: boolean }>(
		`select exists (
			select 1 from pg_catalog.pg_class where relname in ('tlog_heads', 'tuf_mark_holder') and relkind in ('r', 'p')
		) as found`,
	);
	return row?.found === true;
}

/** Reads the mark, and checks that its server can be trusted. Throws MarkError when it cannot. */
async function readMark(sql: Sql, schema: SchemaName, name: string): Promise<{ mark: Mark | undefined }> {
	const [row] = await sql.query<Partial<MarkRow> & ServerSettings>(
		`select m.origin, m.key_id, m.size, m.root, m.note, ${SETTINGS_COLUMNS}
		from (select) as one left join ${schema}.tlog_marks m on m.name = $1`,
		[name],
	);
	if (!row) throw new MarkError(`the mark ${name} cannot be read`);
	// A standby may be behind, and an unsafe server may lose data: a mark from there proves nothing.
	const problem = durabilityProblem(row);
	if (problem) throw new MarkError(`the mark ${name}: ${problem}`);
	const { origin, key_id, size, root, note } = row;
	// A left join returns nulls only for a missing mark: half a mark must not count as none.
	if ([origin, key_id, size, root, note].every((column) => column === null)) return { mark: undefined };
	if (
		!origin ||
		key_id?.length !== 32 ||
		root?.length !== 32 ||
		!note ||
		!Number.isSafeInteger(size) ||
		Number(size) < 0
	)
		throw new MarkError(`the mark ${name} cannot be made out: a column does not hold what was written`);
	const plain = (bytes: Uint8Array) => new Uint8Array(bytes);
	return { mark: { origin, keyId: plain(key_id), size: Number(size), root: plain(root), note: plain(note) } };
}

/** Writes a first mark, or replaces the stored one by a larger mark of the same thing; otherwise changes nothing. */
async function upsertMark(sql: Sql, schema: SchemaName, name: string, mark: Mark): Promise<void> {
	await sql.query(
		`insert into ${schema}.tlog_marks as m (name, origin, key_id, size, root, note, adoptions, changed_at)
		values ($1, $2, $3, $4, $5, $6, 0, clock_timestamp())
		on conflict (name) do update
			set origin = excluded.origin, size = excluded.size, root = excluded.root, note = excluded.note,
				changed_at = excluded.changed_at
			where m.key_id = excluded.key_id and m.size < excluded.size`,
		[name, mark.origin, mark.keyId, mark.size, mark.root, mark.note],
	);
}

/** Written because an operator says so, whatever was stored. */
async function setMark(sql: Sql, schema: SchemaName, name: string, mark: Mark): Promise<void> {
	await sql.query(
		`insert into ${schema}.tlog_marks as m (name, origin, key_id, size, root, note, adoptions, changed_at)
		values ($1, $2, $3, $4, $5, $6, 1, clock_timestamp())
		on conflict (name) do update
			set origin = excluded.origin, key_id = excluded.key_id, size = excluded.size, root = excluded.root,
				note = excluded.note, adoptions = m.adoptions + 1, changed_at = excluded.changed_at`,
		[name, mark.origin, mark.keyId, mark.size, mark.root, mark.note],
	);
}

/** Throws MarkError unless what is stored is `wanted`, or a larger mark of the same thing. */
function requireReached(name: string, stored: Mark | undefined, wanted: Mark): void {
	if (!stored) throw new MarkError(`the mark ${name} was not stored`);
	if (Buffer.compare(stored.keyId, wanted.keyId) !== 0)
		throw new MarkError(
			`the mark ${name} belongs to ${stored.origin} (key ${stored.keyId.toHex()}), not to ${wanted.origin} (key ${wanted.keyId.toHex()})`,
		);
	if (stored.size < wanted.size)
		throw new MarkError(`the mark ${name} is at size ${stored.size}, not at ${wanted.size}`);
	if (stored.size === wanted.size && Buffer.compare(stored.root, wanted.root) !== 0)
		throw new MarkError(
			`the mark ${name} has root ${stored.root.toHex()} at size ${stored.size}, not ${wanted.root.toHex()}`,
		);
}
