/** The database of a configuration file for somebody who only looks: the server refuses whatever would change it. */
import { type Diagnosis, ok, problem, warning } from '@chancery/chassis/checkup';
import type { StoringService } from '@chancery/chassis/service-definition';
import { durabilityProblem, SETTINGS_COLUMNS, type ServerSettings } from '@chancery/postgres/durability';
import { MigrationError, pendingMigrations } from '@chancery/postgres/migrate';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database, Sql } from '@chancery/postgres/sql';
import { DEFAULT_LIMITS } from '@chancery/tlog/limits';

export interface LookedAtDatabase {
	readonly database: Database;
	/** As they are for services: this connection alone cannot write. */
	settings(): ServerSettings | undefined;
}

/** Short: somebody waits for the answer, and a check says so when it does not come. */
const TIMEOUT_MS = 5_000;
const MAX_CONNECTIONS = 4;
const LEAST_VERSION = 15;
const CONNECT = 'see that the server runs and that database.url names it: pg_isready, chancery config check';

export function lookAtDatabase(url: string): LookedAtDatabase {
	let settings: ServerSettings | undefined;
	const database = openDatabase({
		url,
		applicationName: 'chancery doctor',
		maxConnections: MAX_CONNECTIONS,
		statementTimeoutMs: TIMEOUT_MS,
		lockTimeoutMs: TIMEOUT_MS,
		connectTimeoutMs: TIMEOUT_MS,
		admit: async (sql: Sql) => {
			[settings] = await sql.query<ServerSettings>(`select ${SETTINGS_COLUMNS}`);
			await sql.query('set session characteristics as transaction read only');
		},
	});
	return { database, settings: () => settings };
}

interface ServerRow {
	readonly version: string;
	readonly major: number;
	readonly encoding: string;
	readonly name: string;
	readonly role: string;
	readonly statement_timeout: string;
}

/** Reachable, new enough, and a server that keeps what it acknowledges. */
export async function checkServer({ database, settings }: LookedAtDatabase): Promise<Diagnosis | Diagnosis[]> {
	let row: ServerRow | undefined;
	try {
		[row] = await database.query<ServerRow>(
			`select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major,
				current_setting('server_encoding') as encoding, current_database() as name, current_user as role,
				current_setting('statement_timeout') as statement_timeout`,
		);
	} catch (error) {
		const { message, code } = error as NodeJS.ErrnoException;
		return problem(`the database cannot be used: ${message || code}`, CONNECT);
	}
	if (!row) return problem('the database answers nothing', CONNECT);
	const { version, major, encoding, name, role } = row;
	const server = `PostgreSQL ${version}, database ${name}, role ${role}`;
	if (major < LEAST_VERSION)
		return problem(`${server}: ${LEAST_VERSION} is the oldest that is known to work`, 'upgrade the server');
	if (encoding !== 'UTF8')
		return problem(
			`${server}: its encoding is ${encoding}`,
			`create a database with encoding UTF8: createdb -E UTF8 -T template0 -l C ${name}`,
		);
	const unsafe = settings();
	const reason = unsafe && durabilityProblem(unsafe);
	if (reason !== undefined)
		return problem(`${server}: ${reason}`, 'set it right in postgresql.conf, or connect the primary');
	if (row.statement_timeout !== '0') return ok(server);
	return warning(
		`${server}: a pooler keeps the timeouts of a connection from the server, and a hanging statement would hang for ever`,
		`alter role ${role} set statement_timeout = '30s'; and the same for lock_timeout and idle_in_transaction_session_timeout ('5s')`,
	);
}

/** Logs refuse writes when the clock of their host and that of the database are further apart than this allows. */
export async function checkClock({ database }: LookedAtDatabase, clock: () => number): Promise<Diagnosis> {
	const before = clock();
	const [row] = await database.query<{ ms: number }>(
		'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms',
	);
	const after = clock();
	const server = Number(row?.ms);
	const apartMs = Math.max(before - server, server - after, 0);
	if (apartMs <= DEFAULT_LIMITS.maxClockSkewMs) return ok(`the clocks of this host and of the database agree`);
	const direction = before > server ? 'ahead of' : 'behind';
	return problem(
		`the clock of this host is ${(apartMs / 1000).toFixed(1)} s ${direction} that of the database; logs take nothing beyond ${DEFAULT_LIMITS.maxClockSkewMs / 1000} s`,
		'set the wrong one of the two right: timedatectl, chronyc tracking',
	);
}

/** Whether the schema has what this version needs, no more and no less. */
export async function checkMigrations(
	database: Sql,
	{ name, migrations }: StoringService,
	configOption: string,
): Promise<Diagnosis> {
	try {
		for (const source of migrations) {
			const { schema, component, version, expected } = await pendingMigrations(database, source);
			if (version < expected)
				return problem(
					`schema ${schema} has ${version} of the ${expected} migrations of ${component} that this version needs`,
					`chancery migrate ${name} ${configOption}`,
				);
		}
		return ok('its schema is complete');
	} catch (error) {
		if (error instanceof MigrationError)
			return problem(error.message, 'chancery version; start the version that the schema is of');
		throw error;
	}
}

interface Rights {
	/** One table that the role does not own; null: it owns all. */
	readonly foreign_table: string | null;
	/** One that it may not read and write. */
	readonly closed_table: string | null;
	readonly may_create: boolean;
	readonly role: string;
}

/** Services that keep logs add partitions at run time, and only the owner of a table may; the others read and write. */
export async function checkRights(database: Sql, { name, createLogs, migrations }: StoringService): Promise<Diagnosis> {
	const schemas = [...new Set(migrations.map(({ schema }) => schema))];
	const [row] = await database.query<Rights>(
		`select min(t.name) filter (where not pg_has_role(current_user, t.relowner, 'usage')) as foreign_table,
			min(t.name) filter (where not (has_table_privilege(t.oid, 'select') and has_table_privilege(t.oid, 'insert'))) as closed_table,
			(select bool_and(has_schema_privilege(s, 'create')) from unnest($1::text[]) s) as may_create,
			current_user as role
		from (
			select c.oid, c.relowner, format('%I.%I', n.nspname, c.relname) as name
			from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
			where n.nspname = any ($1) and c.relkind in ('r', 'p') and c.relname <> 'migrations'
		) t`,
		[schemas],
	);
	if (!row) return problem('the rights of the role cannot be read', 'look at them: psql -c "\\dn+"');
	const { foreign_table, closed_table, may_create, role } = row;
	if (createLogs && (foreign_table !== null || !may_create))
		return problem(
			`${role} does not own ${foreign_table ?? `schema ${schemas[0]}`}: it could not add the partitions that ${name} needs as it grows`,
			foreign_table === null
				? `grant create on schema ${schemas.join(', ')} to ${role};`
				: `as their owner: alter table ${foreign_table} owner to ${role}; and so with every table of schema ${schemas.join(', ')}`,
		);
	if (closed_table !== null)
		return problem(
			`${role} may not read and write ${closed_table}`,
			`as its owner: grant usage on schema ${schemas.join(', ')} to ${role}; grant select, insert, update, delete on all tables in schema ${schemas.join(', ')} to ${role};`,
		);
	return ok(foreign_table === null ? `${role} owns its schema` : `${role} may read and write its tables`);
}
