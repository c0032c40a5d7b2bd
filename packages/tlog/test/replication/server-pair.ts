/**
 * Two real PostgreSQL servers under one address: a primary, and a standby that follows it by streaming replication. The
 * programs that we carry have no pg_basebackup, so the standby begins as a copy of the stopped primary.
 *
 * The address is a symbolic link to the socket folder of the present primary, as a virtual address would be.
 */
import { execFile } from 'node:child_process';
import { appendFile, chmod, chown, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded/embedded';
import { waitUntil } from '@chancery/postgres/embedded/process-identity';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';

const DATABASE = 'log';
const WAIT_MS = 30_000;

export interface ServerPair {
	/** Leads to the present primary; connections that exist stay where they are. */
	readonly url: string;
	/** For the tests' own statements, each on the server it names. */
	readonly primary: Database;
	readonly standby: Database;
	/** Every COMMIT on the primary waits until the standby has it on disk. */
	requireStandby(): Promise<void>;
	/** The standby receives nothing from here on. */
	cutOff(): Promise<void>;
	/** It receives again; resolves when it has all that the primary has. */
	rejoin(): Promise<void>;
	/** Ends the primary in an orderly way and starts it again. */
	restartPrimary(): Promise<void>;
	/** Kills the primary, promotes the standby, and has the address lead there. */
	failOver(): Promise<void>;
	end(): Promise<void>;
}

/** @param prepare fills the database before the standby is made of it. */
export async function startPair(prepare: (database: Database) => Promise<void>): Promise<ServerPair> {
	const base = await mkdtemp(join(tmpdir(), 'tlog-pair-'));
	// For root: the user the servers run as has to pass.
	await chmod(base, 0o711);
	const first = await startEmbedded({ dataDir: join(base, 'a') });
	await first.createDatabase(DATABASE);
	const preparing = open(first.url(DATABASE), 'prepares');
	await prepare(preparing);
	await preparing.close();
	await first.stop();
	await promisify(execFile)('cp', ['-a', join(base, 'a'), join(base, 'b')]);

	let one = await start(join(base, 'a'));
	await followPrimary(join(base, 'b', 'cluster'), one);
	const two = await start(join(base, 'b'));
	const address = join(base, 'socket');
	await lead(address, one);
	const present = new URL(one.url(DATABASE));
	present.searchParams.set('host', address);
	let primary = open(one.url(DATABASE), 'looks at the primary');
	const standby = open(two.url(DATABASE), 'looks at the standby');

	const pair: ServerPair = {
		url: present.href,
		get primary() {
			return primary;
		},
		standby,
		async requireStandby() {
			await configure(primary, 'synchronous_standby_names', '*');
			await until('the standby counts as synchronous', async () => {
				const rows = await primary.query(`select 1 from pg_stat_replication where sync_state = 'sync'`);
				return rows.length === 1;
			});
		},
		async cutOff() {
			await configure(standby, 'primary_conninfo', '');
			await until('the standby receives nothing', async () => {
				const receiving = await standby.query('select 1 from pg_stat_wal_receiver');
				const sending = await primary.query('select 1 from pg_stat_replication');
				return receiving.length + sending.length === 0;
			});
		},
		async rejoin() {
			await configure(standby, 'primary_conninfo', conninfo(one));
			const [end] = await primary.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn');
			await until('the standby has caught up', async () => {
				const [row] = await standby.query<{ there: boolean }>(
					'select pg_last_wal_replay_lsn() >= $1::pg_lsn as there',
					[end?.lsn ?? ''],
				);
				return row?.there === true;
			});
		},
		async restartPrimary() {
			await primary.close();
			await one.stop();
			one = await start(join(base, 'a'));
			await lead(address, one);
			primary = open(one.url(DATABASE), 'looks at the primary');
		},
		async failOver() {
			process.kill(one.pid, 'SIGKILL');
			await one.ended;
			await standby.query('select pg_promote(true, 30)');
			await lead(address, two);
		},
		async end() {
			await Promise.all([primary.close(), standby.close()]);
			await Promise.all([one.stop(), two.stop()]);
			await rm(base, { recursive: true });
		},
	};
	await pair.rejoin();
	return pair;
}

async function start(dataDir: string): Promise<EmbeddedPostgres> {
	const server = await startEmbedded({ dataDir });
	// Written anew at each start, without this line: nobody replicates from the server of an instance.
	await appendFile(join(server.cluster, '..', 'pg_hba.conf'), 'local replication all trust\n');
	// For root: the other server runs as another account.
	await chmod(server.runtimeDir, 0o711);
	await chmod(join(server.runtimeDir, '.s.PGSQL.5432'), 0o777);
	const database = open(server.url('postgres'), 'reloads');
	await database.query('select pg_reload_conf()');
	await database.close();
	return server;
}

/** Makes the copied cluster a standby. */
async function followPrimary(cluster: string, primary: EmbeddedPostgres): Promise<void> {
	const signal = join(cluster, 'standby.signal');
	await writeFile(signal, '');
	const { uid, gid } = await stat(cluster);
	await chown(signal, uid, gid);
	await appendFile(
		join(cluster, 'postgresql.auto.conf'),
		`primary_conninfo = '${conninfo(primary)}'\nwal_retrieve_retry_interval = '100ms'\n`,
	);
}

function conninfo(primary: EmbeddedPostgres): string {
	const { searchParams } = new URL(primary.url('postgres'));
	return `host=${searchParams.get('host')} port=${searchParams.get('port')} user=${searchParams.get('user')}`;
}

async function configure(database: Database, name: string, value: string): Promise<void> {
	await database.query(`alter system set ${name} = '${value}'`);
	await database.query('select pg_reload_conf()');
}

/** In one step, so that there is no moment without an address. */
async function lead(address: string, server: EmbeddedPostgres): Promise<void> {
	await symlink(server.runtimeDir, `${address}.new`);
	await rename(`${address}.new`, address);
}

function open(url: string, applicationName: string): Database {
	return openDatabase({ url, applicationName, maxConnections: 3 });
}

export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
	if (!(await waitUntil(isSo, WAIT_MS))) throw new Error(`not within ${WAIT_MS} ms: ${what}`);
}
