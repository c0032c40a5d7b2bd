/**
 * The judgement of a URL is compared with what happens: each URL is tried on a real server, and on impostors at the same
 * address, with a certificate of another authority, with one for another name, or with none.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, readdir, stat, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@chancery/testkit/free-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFolder } from '../test/supervised.ts';
import { connectionSecurity } from './connection-security.ts';
import { findBinaries } from './embedded/binaries.ts';
import { DEFAULT_SERVER_HOME } from './embedded/cluster-place.ts';
import { startEmbedded } from './embedded/embedded.ts';
import { waitUntil } from './embedded/process-identity.ts';
import { SCRUBBED_ENV, type ServerUser } from './embedded/server-user.ts';
import { openDatabase } from './pool.ts';

/** An address of this machine that is not loopback; a machine without network has none. */
const ADDRESS = Object.values(networkInterfaces())
	.flat()
	.find((at) => at?.family === 'IPv4' && !at.internal)?.address;
const SERVERS = ['right', 'stranger', 'misnamed', 'plain'] as const;
type Server = (typeof SERVERS)[number];

/** URL parameters -> the judgement, and the servers that such a connection accepts. */
const CASES: readonly (readonly [parameters: string, security: string, connects: readonly Server[]])[] = [
	['sslmode=verify-full&sslrootcert=CA', 'verified', ['right']],
	['sslmode=verify-ca&sslrootcert=CA', 'verified', ['right']],
	['sslmode=require&sslrootcert=CA', 'verified', ['right']],
	['sslrootcert=CA', 'verified', ['right']],
	['sslmode=verify-full&sslrootcert=CA&uselibpqcompat=true', 'verified', ['right']],
	['sslmode=require', 'verified', []],
	['ssl=true', 'verified', []],
	['sslmode=prefer&sslrootcert=CA', 'ambiguous', ['right']],
	['sslmode=no-verify', 'unverified', ['right', 'stranger', 'misnamed']],
	['sslmode=require&uselibpqcompat=true', 'unverified', ['right', 'stranger', 'misnamed']],
	['sslmode=prefer&uselibpqcompat=true', 'unverified', ['right', 'stranger', 'misnamed']],
	['sslmode=verify-ca&sslrootcert=CA&uselibpqcompat=true', 'unverified', ['right', 'misnamed']],
	['sslmode=disable', 'plain', ['right', 'stranger', 'misnamed', 'plain']],
	['', 'plain', ['right', 'stranger', 'misnamed', 'plain']],
];

const cleanUps: (() => Promise<unknown>)[] = [];
afterAll(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe.skipIf(ADDRESS === undefined)('a connection to another address', () => {
	let folder: string;
	let cluster: string;
	let owner: ServerUser;
	let binDir: string;
	let port: number;
	let running: ChildProcess | undefined;
	const connected = new Map<string, Server[]>(CASES.map(([parameters]) => [parameters, []]));
	const urlOf = (parameters: string) =>
		`postgres://chancery@${ADDRESS}:${port}/postgres?${parameters.replace('CA', encodeURIComponent(join(folder, 'ca.pem')))}`;

	beforeAll(async () => {
		folder = await makeFolder(cleanUps);
		const made = await startEmbedded({ dataDir: join(folder, 'data'), unsafeNoSync: true });
		cluster = made.cluster;
		await made.stop();
		const { uid, gid } = await stat(cluster);
		owner = { uid, gid };
		const user = process.geteuid?.() === 0 ? owner : undefined;
		({ binDir } = await findBinaries(user, user === undefined ? folder : DEFAULT_SERVER_HOME));
		for (const authority of ['ca', 'other']) makeAuthority(authority);
		makeCertificate('right', 'ca', `IP:${ADDRESS}`);
		makeCertificate('stranger', 'other', `IP:${ADDRESS}`);
		makeCertificate('misnamed', 'ca', 'IP:192.0.2.99');
		await writeFile(join(folder, 'hba.conf'), 'host all all all trust\n');
		for (const name of await readdir(folder))
			if (/\.(key|pem|conf)$/.test(name)) await chown(join(folder, name), uid, gid);
		cleanUps.push(async () => running?.kill('SIGQUIT'));
		port = await freePort(ADDRESS);
		for (const server of SERVERS) {
			await start(server);
			for (const [parameters] of CASES) if (await connects(urlOf(parameters))) connected.get(parameters)?.push(server);
			await end();
		}
	});

	function openssl(...args: string[]): void {
		execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
	}

	function makeAuthority(name: string): void {
		const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
		openssl('req', '-x509', ...key, '-out', `${name}.pem`, '-subj', `/CN=${name}`, '-days', '2');
	}

	function makeCertificate(name: string, authority: string, altName: string): void {
		const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
		const issuer = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`];
		const extensions = ['-addext', `subjectAltName=${altName}`, '-addext', 'basicConstraints=CA:FALSE'];
		openssl(
			'req',
			'-x509',
			...key,
			'-out',
			`${name}.pem`,
			'-subj',
			`/CN=${name}`,
			'-days',
			'2',
			...issuer,
			...extensions,
		);
	}

	async function start(server: Server): Promise<void> {
		const tls = { ssl_cert_file: join(folder, `${server}.pem`), ssl_key_file: join(folder, `${server}.key`) };
		const settings = {
			listen_addresses: ADDRESS ?? '',
			port: String(port),
			unix_socket_directories: '',
			hba_file: join(folder, 'hba.conf'),
			fsync: 'off',
			...(server === 'plain' ? { ssl: 'off' } : { ssl: 'on', ...tls }),
		};
		const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
		running = spawn(join(binDir, 'postgres'), ['-D', cluster, ...args], {
			...(process.geteuid?.() === 0 ? owner : {}),
			cwd: '/',
			env: SCRUBBED_ENV,
			stdio: ['ignore', 'ignore', 'pipe'],
		});
		let said = '';
		running.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
			said += chunk;
		});
		if (!(await waitUntil(() => said.includes('ready to accept connections'), 60_000))) throw new Error(said);
	}

	async function end(): Promise<void> {
		if (!running) return;
		const ended = once(running, 'exit');
		running.kill('SIGINT');
		await ended;
		running = undefined;
	}

	async function connects(url: string): Promise<boolean> {
		const database = openDatabase({ url, applicationName: 'judge', maxConnections: 1 });
		return database
			.query('select 1')
			.then(
				() => true,
				() => false,
			)
			.finally(() => database.close());
	}

	it.each(CASES)('with %j is %s: it is made to %j', (parameters, security, servers) => {
		expect(connectionSecurity(urlOf(parameters))).toEqual({ security, host: ADDRESS });
		expect(connected.get(parameters)).toEqual(servers);
	});
});

it.each([
	['localhost', 'local'],
	['LOCALHOST', 'local'],
	['127.9.8.7', 'local'],
	['[::1]', 'local'],
	['%2Frun%2Fpostgresql', 'local'],
	// Resolvers ask DNS for these names, so the password goes to the address that the DNS server returns.
	['db.localhost', 'plain'],
	['localhost.', 'plain'],
	['127.0.0.1.example', 'plain'],
	['0.0.0.0', 'plain'],
	['[::ffff:127.0.0.1]', 'plain'],
])('a connection to the host %s is %s', (host, security) => {
	expect(connectionSecurity(`postgres://chancery@${host}/chancery`).security).toBe(security);
});
