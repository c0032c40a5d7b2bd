/**
 * A PostgreSQL server that asks for a password and logs as much as possible: every statement with its parameters, and every error with
 * its DETAIL. The worst that an operator could configure.
 */
import { randomBytes } from 'node:crypto';
import { appendFile, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ACCOUNT_PREFIX, claimAccount } from '@chancery/postgres/embedded/account-claims';
import { findBinaries } from '@chancery/postgres/embedded/binaries';
import { DEFAULT_SERVER_HOME, makeServerHome } from '@chancery/postgres/embedded/cluster-place';
import { runAs, SCRUBBED_ENV, type ServerUser } from '@chancery/postgres/embedded/server-user';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { RecordedProcess } from './recorded-process.ts';

const TALKATIVE = {
	log_statement: 'all',
	log_min_duration_statement: 0,
	log_parameter_max_length: -1,
	log_parameter_max_length_on_error: -1,
	log_min_error_statement: 'debug5',
	log_error_verbosity: 'verbose',
	log_connections: 'all',
	log_disconnections: 'on',
	log_line_prefix: "'%m %u %a %d '",
	max_connections: 100,
};

export interface PasswordServer {
	readonly folder: string;
	readonly url: string;
	readonly process: RecordedProcess;
	readonly database: Database;
	/** As after a crash of the server: a new process on the same data. */
	restart(): Promise<RecordedProcess>;
}

/** @param outside folder in which the file with the password may exist for a moment. */
export async function startPasswordServer(
	folder: string,
	outside: string,
	port: number,
	password: string,
): Promise<PasswordServer> {
	const user = await serverUser(folder);
	const { binDir } = await findBinaries(user, user === undefined ? folder : DEFAULT_SERVER_HOME);
	await mkdir(folder, { mode: 0o700 });
	const passwordFile = join(outside, 'password');
	await writeFile(passwordFile, password, { mode: 0o600 });
	if (user) for (const path of [folder, passwordFile]) await chown(path, user.uid, user.gid);
	const cluster = join(folder, 'cluster');
	const made = await runAs(
		user,
		join(binDir, 'initdb'),
		['-D', cluster, '-U', 'chancery', '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--locale=C', '--no-sync'],
		60_000,
	);
	await rm(passwordFile);
	if (made.code !== 0) throw new Error(`initdb: ${made.said}`);
	const settings = { ...TALKATIVE, listen_addresses: "'127.0.0.1'", port, unix_socket_directories: `'${folder}'` };
	const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
	await appendFile(join(cluster, 'postgresql.conf'), lines.join(''));

	const url = (database: string) => `postgres://chancery:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
	let count = 0;
	const start = async () => {
		count++;
		const server = new RecordedProcess(`database ${count}`, [join(binDir, 'postgres'), '-D', cluster], {
			cwd: '/',
			env: SCRUBBED_ENV,
			uid: user?.uid,
			gid: user?.gid,
		});
		await server.said(/ready to accept connections/);
		return server;
	};
	const server = await start();
	const admin = openDatabase({ url: url('postgres'), applicationName: 'scenario', maxConnections: 1 });
	await admin.query('create database chancery');
	await admin.close();
	return {
		folder,
		url: url('chancery'),
		process: server,
		database: openDatabase({ url: url('chancery'), applicationName: 'scenario', maxConnections: 2 }),
		restart: start,
	};
}

/** An account for a server of root's; nothing else uses it while the server runs. */
async function serverUser(folder: string): Promise<ServerUser | undefined> {
	if (process.geteuid?.() !== 0) return undefined;
	await makeServerHome(DEFAULT_SERVER_HOME);
	const claimant = { dataDir: folder, instance: randomBytes(8).toString('hex'), account: null };
	return claimAccount(claimant, { serverHome: DEFAULT_SERVER_HOME, prefix: ACCOUNT_PREFIX }, async () => undefined);
}
