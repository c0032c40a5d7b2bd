/**
 * Making a cluster (`initdb`), checking that these programs may open it, and the files that say who may connect.
 */
import { randomBytes } from 'node:crypto';
import { appendFile, chown, lstat, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { makePrivateFolder } from './cluster-place.ts';
import { syncFolder } from './data-record.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { runAs, type ServerUser } from './server-user.ts';

/**
 * A start that was killed may have left its `initdb` behind, which ends only at its next step and until then puts files
 * into the folder that is being removed: about five seconds in all.
 */
const ABANDONED = { recursive: true, maxRetries: 10, retryDelay: 100 } as const;

/** The only role. It exists in this cluster alone and has no password: see `writeAccessRules`. */
export const SUPERUSER = 'chancery';

const INITDB_TIMEOUT_MS = 300_000;

/**
 * Starting values that an operator may change in the cluster's `postgresql.conf`. What must not be changed is given
 * on the server's command line, which outranks the file.
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
 * Makes the cluster if it is not there. Built beside its place and renamed, so that a crash leaves no half cluster.
 * Locale C and UTF-8: the same order of text on every machine. Data checksums: a bad disk shows as an error.
 * @throws EmbeddedPostgresError `initdb-failed`.
 */
export async function ensureCluster(
	cluster: string,
	binaries: Binaries,
	user: ServerUser | undefined,
	unsafeNoSync: boolean,
): Promise<'created' | 'exists'> {
	await removeDrafts(cluster);
	if ((await lstat(cluster).catch(() => undefined)) !== undefined) return 'exists';
	const draft = `${cluster}.new-${randomBytes(6).toString('hex')}`;
	await makePrivateFolder(draft, user);
	const args = ['-D', draft, '-U', SUPERUSER, '--auth=peer', '--encoding=UTF8', '--locale=C', '--data-checksums'];
	if (unsafeNoSync) args.push('--no-sync');
	const { code, said } = await runAs(user, join(binaries.binDir, 'initdb'), args, INITDB_TIMEOUT_MS);
	if (code !== 0) {
		await rm(draft, { recursive: true });
		throw new EmbeddedPostgresError('initdb-failed', `initdb failed in ${dirname(cluster)} (exit ${code}): ${said}`);
	}
	await appendFile(join(draft, 'postgresql.conf'), TUNABLES, { flush: true });
	await rename(draft, cluster);
	await syncFolder(dirname(cluster));
	return 'created';
}

/**
 * A cluster can only be opened by the major version that made it.
 * @throws EmbeddedPostgresError `version-mismatch` naming both, or `cluster-missing` when it is not a cluster.
 */
export async function checkVersion(cluster: string, binaries: Binaries): Promise<void> {
	const text = await readFile(join(cluster, 'PG_VERSION'), 'utf8').catch(() => undefined);
	if (text === undefined)
		throw new EmbeddedPostgresError('cluster-missing', `${cluster} holds no PostgreSQL cluster (no file PG_VERSION)`);
	if (text.trim() !== String(binaries.major))
		throw new EmbeddedPostgresError(
			'version-mismatch',
			`the data in ${cluster} was made by PostgreSQL ${text.trim()}, these programs are PostgreSQL ${binaries.version}: ` +
				`run the Chancery that brought PostgreSQL ${text.trim()}, or move the data with its migration command`,
		);
}

/**
 * Only the system user that supervises may connect, as the one role: the kernel tells the server who is at the other
 * end of the socket (peer authentication). The socket's folder is closed to others besides.
 */
export async function writeAccessRules(cluster: string, user: ServerUser | undefined): Promise<void> {
	const rules: readonly (readonly [name: string, text: string])[] = [
		['pg_hba.conf', `local all ${SUPERUSER} peer map=supervisor\n`],
		['pg_ident.conf', `supervisor "${userInfo().username}" ${SUPERUSER}\n`],
	];
	for (const [name, text] of rules) {
		const path = join(cluster, name);
		await writeFile(path, `# Written at every start.\n${text}`, { mode: 0o600 });
		if (user !== undefined) await chown(path, user.uid, user.gid);
	}
}

/** What an initdb that was killed left behind. */
async function removeDrafts(cluster: string): Promise<void> {
	const folder = dirname(cluster);
	for (const name of await readdir(folder))
		if (name.startsWith(`${basename(cluster)}.new-`)) await rm(join(folder, name), ABANDONED);
}
