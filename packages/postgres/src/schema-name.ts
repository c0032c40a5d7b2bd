/**
 * Names of schemas, checked once, so that they can be written into statements. Values are bound as parameters; a schema name
 * cannot be.
 */

/** A name that is safe in a statement without quotes. */
export type SchemaName = string & { readonly __schemaName: never };

/**
 * The words that PostgreSQL reserves (its manual, appendix C, "reserved" in any form): unquoted they are no names.
 */
const RESERVED = new Set(
	`all analyse analyze and any array as asc asymmetric authorization between binary both case cast check collate
	collation column concurrently constraint create cross current_catalog current_date current_role current_schema
	current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for
	foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral leading
	left like limit localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing
	primary references returning right select session_user similar some symmetric system_user table tablesample then to
	trailing true union unique user using variadic verbose when where window with`.split(/\s+/),
);

/**
 * @throws {TypeError} when `text` is not a plain lower-case identifier of at most 48 characters, is reserved, or names
 * a schema of the server itself.
 */
export function schemaName(text: string): SchemaName {
	if (!/^[a-z][a-z0-9_]{0,47}$/.test(text))
		throw new TypeError(
			`schema name ${JSON.stringify(text.slice(0, 80))} must be a-z, then a-z, 0-9 and _, at most 48`,
		);
	if (RESERVED.has(text) || text.startsWith('pg_') || text === 'information_schema')
		throw new TypeError(`schema name '${text}' is reserved by the database`);
	return text as SchemaName;
}
