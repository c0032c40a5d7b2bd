/**
 * A schema as SQL, from the catalogs of a real database: what `pg_dump --schema-only` would say, which the embedded
 * server does not bring. Sorted by name, and the same on every supported version of PostgreSQL, so that two schemas are
 * alike when their texts are. Running the text in an empty database makes the schema again.
 */
import type { Sql } from '@chancery/postgres/sql';

type Statement = { readonly sql: string };

/** `$1` is the name of the schema in every query of this file. */
const OF_SCHEMA = 'n.nspname = $1';

/** What a migration could make and this file would pass over in silence. */
const UNPRINTED = `
	select format('%s (relkind %s)', c.relname, c.relkind) as sql
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where ${OF_SCHEMA} and c.relkind not in ('r', 'p', 'i', 'I')
	union all
	select format('%s (typtype %s)', t.typname, t.typtype)
	from pg_type t join pg_namespace n on n.oid = t.typnamespace
	where ${OF_SCHEMA} and t.typtype not in ('c', 'b')
	union all
	select format('%s of %s (rule or policy)', r.rulename, c.relname)
	from (select rulename, ev_class from pg_rewrite union all select polname, polrelid from pg_policy) r
	join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
	where ${OF_SCHEMA}
	union all
	select format('%s.%s (identity or generated)', c.relname, a.attname)
	from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
	where ${OF_SCHEMA} and (a.attidentity <> '' or a.attgenerated <> '')`;

const FUNCTIONS = `
	select pg_get_functiondef(p.oid) as sql
	from pg_proc p join pg_namespace n on n.oid = p.pronamespace
	where ${OF_SCHEMA}
	order by p.proname, pg_get_function_identity_arguments(p.oid)`;

/** NOT NULL is a constraint of its own from version 18 on; here it stands with its column, as before. */
const TABLES = `
	select format('create%s table %I.%I (%s)%s%s', case c.relpersistence when 'u' then ' unlogged' end, n.nspname, c.relname,
		(select string_agg(line, ',' order by rank, position, line collate "C") from (
			select 0 as rank, a.attnum::int as position, format(E'\\n\\t%I %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
				case when a.attcollation <> t.typcollation then (
					select format(' collate %I', l.collname) from pg_collation l where l.oid = a.attcollation
				) end,
				' default ' || pg_get_expr(d.adbin, d.adrelid),
				case when a.attnotnull then ' not null' end) as line
			from pg_attribute a join pg_type t on t.oid = a.atttypid
			left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
			where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
			union all
			select 1, 0, format(E'\\n\\tconstraint %I %s', k.conname, pg_get_constraintdef(k.oid))
			from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'c', 'x')
		) lines) || E'\\n',
		' partition by ' || pg_get_partkeydef(c.oid),
		' with (' || array_to_string(c.reloptions, ', ') || ')') as sql
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where ${OF_SCHEMA} and c.relkind in ('r', 'p') and not c.relispartition
	order by c.relname`;

const PARTITIONS = `
	select format('create table %I.%I partition of %s %s', n.nspname, c.relname, i.inhparent::regclass,
		pg_get_expr(c.relpartbound, c.oid)) as sql
	from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_inherits i on i.inhrelid = c.oid
	where ${OF_SCHEMA} and c.relispartition and c.relkind in ('r', 'p')
	order by c.relname`;

const STORAGE = `
	select format('alter table %I.%I alter column %I set storage %s', n.nspname, c.relname, a.attname,
		case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end) as sql
	from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
	join pg_type t on t.oid = a.atttypid
	where ${OF_SCHEMA} and c.relkind in ('r', 'p') and not c.relispartition
		and a.attnum > 0 and not a.attisdropped and a.attstorage <> t.typstorage
	order by c.relname, a.attnum`;

/** Those of constraints stand with their tables, and those of partitions follow from their parents. */
const INDEXES = `
	select pg_get_indexdef(i.indexrelid) as sql
	from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
	where ${OF_SCHEMA} and not c.relispartition
		and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
	order by c.relname`;

const FOREIGN_KEYS = `
	select format('alter table %I.%I add constraint %I %s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)) as sql
	from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
	where ${OF_SCHEMA} and k.contype = 'f' and k.conparentid = 0
	order by c.relname, k.conname`;

const TRIGGERS = `
	select pg_get_triggerdef(g.oid) as sql
	from pg_trigger g join pg_class c on c.oid = g.tgrelid join pg_namespace n on n.oid = c.relnamespace
	where ${OF_SCHEMA} and not g.tgisinternal and g.tgparentid = 0
	order by c.relname, g.tgname`;

/** In an order in which they can be run. */
const PARTS = [FUNCTIONS, TABLES, PARTITIONS, STORAGE, INDEXES, FOREIGN_KEYS, TRIGGERS];

/**
 * The schema `schema` of the database behind `sql`.
 * @throws {Error} when it has something that is not printed here (a view, a sequence, a type, a rule, a policy)
 */
export async function printSchema(sql: Sql, schema: string): Promise<string> {
	const unprinted = await sql.query<Statement>(UNPRINTED, [schema]);
	if (unprinted.length > 0) throw new Error(`not printed: ${unprinted.map((row) => row.sql).join(', ')}`);
	const statements = [
		`-- Schema ${schema} after all migrations. Written by \`npm run schema\`.\n\ncreate schema ${schema}`,
	];
	for (const part of PARTS)
		for (const row of await sql.query<Statement>(part, [schema])) statements.push(row.sql.trimEnd());
	return statements.map((statement) => `${statement};\n`).join('\n');
}
