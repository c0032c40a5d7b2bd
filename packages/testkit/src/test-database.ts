/**
 * A database of one's own for a test file, on the server that the test run started.
 */
import { randomBytes } from 'node:crypto';
import { type DatabaseOptions, openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { inject } from 'vitest';
import './test-server.ts';

export interface TestDatabase {
	/** For further pools on the same database. */
	readonly url: string;
	readonly database: Database;
	/** Closes `database` and removes the database, whoever is still connected. */
	drop(): Promise<void>;
}

/** Clones the template, which is empty, C locale and UTF-8 on every server. */
export async function createTestDatabase(options: Partial<Omit<DatabaseOptions, 'url'>> = {}): Promise<TestDatabase> {
	const serverUrl = inject('postgresUrl');
	const name = `test_${randomBytes(8).toString('hex')}`;
	await administer(serverUrl, `create database ${name} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`);
	const parsed = new URL(serverUrl);
	parsed.pathname = `/${name}`;
	const url = parsed.href;
	const database = openDatabase({ applicationName: 'chancery-test', maxConnections: 5, ...options, url });
	return {
		url,
		database,
		drop: async () => {
			await database.close();
			await administer(serverUrl, `drop database ${name} with (force)`);
		},
	};
}

async function administer(url: string, statement: string): Promise<void> {
	const server = openDatabase({ url, applicationName: 'chancery-test-admin', maxConnections: 1 });
	try {
		await server.query(statement);
	} finally {
		await server.close();
	}
}
