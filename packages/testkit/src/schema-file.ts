/** The file that shows a schema after all of its migrations: reviews see in it what a migration does to the whole. */
import { readFile } from 'node:fs/promises';
import { type MigrationSource, migrateAll } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';
import { expect, it } from 'vitest';
import { printSchema } from './print-schema.ts';
import { createTestDatabase } from './test-database.ts';

/** Migrates an empty database, and returns what it has then. All migrations are those of one schema. */
export async function printMigrated(database: Database, migrations: readonly MigrationSource[]): Promise<string> {
	await migrateAll(database, migrations);
	return printSchema(database, schemaOf(migrations));
}

/** Tests that `file` is what `printMigrated` says, and that it makes the schema when it is run. */
export function itIsTheMigratedSchema(file: URL, migrations: readonly MigrationSource[]): void {
	it('is what all migrations make', async () => {
		const { database, drop } = await createTestDatabase();
		try {
			const printed = await printMigrated(database, migrations);
			expect(await readFile(file, 'utf8'), 'run `npm run schema` and commit what it writes').toBe(printed);
		} finally {
			await drop();
		}
	});

	it('makes the same schema when it is run', async () => {
		const { database, drop } = await createTestDatabase();
		try {
			const text = await readFile(file, 'utf8');
			await database.query(text);
			expect(await printSchema(database, schemaOf(migrations))).toBe(text);
		} finally {
			await drop();
		}
	});
}

function schemaOf(migrations: readonly MigrationSource[]): string {
	const [schema, ...others] = new Set(migrations.map((source) => source.schema));
	if (schema === undefined || others.length > 0) throw new Error('the migrations are not those of one schema');
	return schema;
}
