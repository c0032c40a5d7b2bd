/**
 * Writes schema.sql of each service with a database, and that of the database of marks, from what their migrations make
 * on the embedded server. Run by `npm run schema`.
 */
import { chmodSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startEmbedded } from '../packages/postgres/src/embedded/embedded.ts';
import { markMigrations } from '../packages/postgres/src/mark/database-mark.ts';
import { MARK_SCHEMA } from '../packages/postgres/src/mark/mark-database.ts';
import { type MigrationSource, migrateAll } from '../packages/postgres/src/migrate.ts';
import { openDatabase } from '../packages/postgres/src/pool.ts';
import { printSchema } from '../packages/testkit/src/print-schema.ts';

const files = new Map<string, readonly MigrationSource[]>([
	['packages/postgres/mark-schema.sql', [markMigrations(MARK_SCHEMA)]],
]);
for (const path of globSync('packages/*/src/store/migrations.ts')) {
	const { MIGRATIONS } = (await import(resolve(path))) as { MIGRATIONS?: readonly MigrationSource[] };
	if (MIGRATIONS) files.set(join(path, '../../../schema.sql'), MIGRATIONS);
}

const dataDir = mkdtempSync(join(tmpdir(), 'chancery-schema-'));
// For root: the user the server runs as has to pass.
chmodSync(dataDir, 0o711);
const server = await startEmbedded({ dataDir });
const database = openDatabase({ url: server.url('postgres'), applicationName: 'chancery-schema' });
for (const [file, migrations] of files) {
	await migrateAll(database, migrations);
	writeFileSync(file, await printSchema(database, migrations[0]?.schema ?? ''));
}
await database.close();
await server.stop();
rmSync(dataDir, { recursive: true });
