/**
 * Making a cluster (`initdb`), checking that these programs may open it, and the files that say who may connect.
 */
import { rename } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { syncFolder, writeDurably } from '../file-modes.ts';
import {
	draftOf,
	lstatOrNothing,
	makeAccountFolder,
	readAccountFile,
	removeAccountFolder,
	removeDrafts,
} from './account-folder.ts';
import type { Binaries } from './binaries.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { runAs, type ServerUser } from './server-user.ts';

/** The only role. It exists in this cluster alone and has no password: see `writeAccessRules`. */
export const SUPERUSER = 'chancery';

const INITDB_TIMEOUT_MS = 300_000;
/** Appends its second argument to the file named by the first, and syncs it to disk. */
const APPEND = 'printf %s "$2" >> "$1" && sync "$1"';
const MAX_VERSION_BYTES = 16;

/**
 * Initial values that an operator may change in the cluster's `postgresql.conf`. What must not be changed is given on
 * the server's command line, which overrides the file.
 */
const TUNABLES = `
# Chancery's starting values; change them as you like and start again.
shared_buffers = 128MB
max_connections = 100
max_wal_size = 1GB
min_wal_size = 80MB
checkpoint_timeout = 5min
jit = off
log_checkpoints = off
log_line_prefix = '%m [%p] '
`;

/**
 * Makes the cluster if it is missing. It is built under another name and renamed, so a crash leaves no half cluster.
 * Locale C and UTF-8: text sorts the same on every machine. Data checksums: a faulty disk causes an error.
 * @throws {EmbeddedPostgresError} `initdb-failed`.
 */
export async function ensureCluster(
	cluster: string,
	binaries: Binaries,
	user: ServerUser | undefined,
	unsafeNoSync: boolean,
): Promise<'created' | 'exists'> {
	await removeDrafts(cluster);
	if ((await lstatOrNothing(cluster)) !== undefined) return 'exists';
	const draft = draftOf(cluster);
	await makeAccountFolder(draft, user);
	const args = ['-D', draft, '-U', SUPERUSER, '--auth=peer', '--encoding=UTF8', '--locale=C', '--data-checksums'];
	if (unsafeNoSync) args.push('--no-sync');
	const made = await runAs(user, join(binaries.binDir, 'initdb'), args, INITDB_TIMEOUT_MS);
	// As the user who owns the folder: as root, the program would write wherever that user lets the name lead.
	const tuned =
		made.code === 0
			? await runAs(user, '/bin/sh', ['-c', APPEND, 'sh', join(draft, 'postgresql.conf'), TUNABLES], INITDB_TIMEOUT_MS)
			: made;
	if (tuned.code !== 0) {
		await removeAccountFolder(draft);
		throw new EmbeddedPostgresError(
			'initdb-failed',
			`initdb failed in ${dirname(cluster)} (exit ${tuned.code}): ${tuned.said}`,
		);
	}
	await rename(draft, cluster);
	await syncFolder(dirname(cluster));
	return 'created';
}

/**
 * A cluster can only be opened by the major version that made it.
 * @throws {EmbeddedPostgresError} `version-mismatch` naming both, or `cluster-missing` when it is not a cluster.
 */
export async function checkVersion(cluster: string, binaries: Binaries): Promise<void> {
	const text = await readAccountFile(join(cluster, 'PG_VERSION'), MAX_VERSION_BYTES);
	if (text === undefined || !/^\d{1,3}\n?$/.test(text))
		throw new EmbeddedPostgresError('cluster-missing', `${cluster} holds no PostgreSQL cluster (no file PG_VERSION)`);
	if (text.trim() !== String(binaries.major))
		throw new EmbeddedPostgresError(
			'version-mismatch',
			`the data in ${cluster} was made by PostgreSQL ${text.trim()}, these programs are PostgreSQL ${binaries.version}: ` +
				`run the Chancery that brought PostgreSQL ${text.trim()}, or move the data with pg_dump and pg_restore`,
		);
}

/** Paths of the files that say who may connect. */
export interface AccessRules {
	readonly hbaFile: string;
	readonly identFile: string;
}

/**
 * Only the system user that supervises may connect, and only with the one role: the kernel tells the server which user is
 * at the other end of the socket (peer authentication). In addition, other users cannot enter the socket's folder.
 *
 * The files are beside the cluster, in a folder that only the supervisor can write. Inside the cluster, where PostgreSQL
 * looks for them by default, the server's user could replace them with links.
 */
export async function writeAccessRules(cluster: string): Promise<AccessRules> {
	const at = (name: string) => join(dirname(cluster), name);
	const rules: AccessRules = { hbaFile: at('pg_hba.conf'), identFile: at('pg_ident.conf') };
	const write = (path: string, text: string) => writeDurably(path, `# Written at every start.\n${text}`, 0o644);
	await write(rules.hbaFile, `local all ${SUPERUSER} peer map=supervisor\n`);
	await write(rules.identFile, `supervisor "${userInfo().username}" ${SUPERUSER}\n`);
	return rules;
}
