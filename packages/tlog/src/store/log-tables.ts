/**
 * Where the rows of one log are: its schema and the log id that leads every key. Each store function takes it.
 */
import { type SchemaName, schemaName } from '@chancery/postgres/schema-name';

export interface LogTables {
	/** A validated identifier: statements hold it literally, because a name cannot be a parameter. */
	readonly schema: SchemaName;
	readonly logId: string;
}

const LOG_ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** Throws when the schema or the log id is not a plain lower-case name. */
export function logTables(schema: string, logId: string): LogTables {
	if (!LOG_ID.test(logId)) throw new TypeError(`'${logId}' is not a log id: lower-case letters, digits and hyphens`);
	return { schema: schemaName(schema), logId };
}
