/**
 * vitest's global set-up: one PostgreSQL server for the whole run. `TEST_DATABASE_URL` names another server to use
 * (a role that may create databases), `TEST_POSTGRES_BIN` the folder of other PostgreSQL programs to supervise.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbedded } from '@chancery/postgres/embedded/embedded';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
	interface ProvidedContext {
		/** URL of a server on which tests may create databases. */
		postgresUrl: string;
	}
}

/** More than two workers of tests, each with a few pools, ever need. */
export default async function startTestServer(project: TestProject): Promise<() => Promise<void>> {
	const given = process.env.TEST_DATABASE_URL;
	if (given !== undefined && given !== '') {
		project.provide('postgresUrl', given);
		return async () => undefined;
	}
	const binDir = process.env.TEST_POSTGRES_BIN;
	const dataDir = await mkdtemp(join(tmpdir(), 'chancery-test-'));
	// For root: the user the server runs as has to pass.
	await chmod(dataDir, 0o711);
	const server = await startEmbedded({ dataDir, ...(binDir ? { binDir } : {}) });
	project.provide('postgresUrl', server.url('postgres'));
	return async () => {
		await server.stop();
		await rm(dataDir, { recursive: true });
	};
}
