/**
 * What a campaign works on: a folder with keys and marks, the embedded database, and the log process, each of which can
 * be killed and started again while the rest stays.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFileKey } from '@chancery/keys/file/file-key';
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded/embedded';
import { postgresProcesses } from '@chancery/postgres/embedded/process-identity';
import { openDatabase } from '@chancery/postgres/pool';
import { freePorts } from '@chancery/testkit/free-port';
import { createReader, type Reader } from './answers.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';
import { Ledger } from './ledger.ts';
import { type LogServer, startLogServer } from './log-server.ts';
import { type Authority, createAuthority } from './precertificates.ts';
import type { ProcessPlan } from './process-plan.ts';
import type { LogName } from './proposals.ts';
import { publicKeyOf, Violation } from './signed-trees.ts';

export const DATABASE = 'chancery';
const TREE_ID = '1193050959916656506';
const REGISTER_WITHIN_MS = 60_000;
const RETRY_MS = 50;

export interface Testbed {
	readonly folder: string;
	readonly markFolder: string;
	readonly dataDir: string;
	readonly plan: ProcessPlan;
	readonly urls: Readonly<Record<LogName, string>>;
	readonly client: HttpClient;
	readonly reader: Reader;
	readonly authority: Authority;
	readonly adminToken: string;
	/** A plan for another process on the same logs, on ports of its own. */
	anotherPlan(name: string, changes: Partial<ProcessPlan>): Promise<ProcessPlan>;
	startDatabase(changes?: Partial<EmbeddedOptions>): Promise<EmbeddedPostgres>;
	startServer(env?: NodeJS.ProcessEnv): Promise<LogServer>;
	/** Makes the CT log accept the writers' authority. */
	registerAuthority(): Promise<void>;
	/** Removes everything; database and process must have ended. */
	remove(): Promise<void>;
}

/** @param parent where the folder is made; the database runs as another user when we are root, so it must be open. */
export async function createTestbed(parent = tmpdir()): Promise<Testbed> {
	const folder = await mkdtemp(join(parent, 'chancery-crash-'));
	await chmod(folder, 0o711);
	const [keyFolder, markFolder, dataDir] = ['keys', 'marks', 'data'].map((name) => join(folder, name)) as [
		string,
		string,
		string,
	];
	await mkdir(keyFolder, { mode: 0o700 });
	await mkdir(markFolder, { mode: 0o700 });
	const [v1, v2, ct] = await Promise.all([
		createFileKey(join(keyFolder, 'v1.pem'), 'ecdsa-sha2-256-nistp256'),
		createFileKey(join(keyFolder, 'v2.pem'), 'ed25519'),
		createFileKey(join(keyFolder, 'ct.pem'), 'ecdsa-sha2-256-nistp256'),
	]);
	const authority = await createAuthority(join(keyFolder, 'issuing.pem'));
	const adminToken = randomBytes(24).toString('hex');
	const client = createHttpClient();
	const plan: ProcessPlan = {
		name: 'server',
		databaseUrl: '',
		keyFolder,
		markFolder,
		treeId: TREE_ID,
		adminTokenSha256: createHash('sha256').update(adminToken).digest('hex'),
		ports: await planPorts(),
	};
	const { ports } = plan;
	const keys = {
		v1: publicKeyOf(v1.publicKey),
		v2: publicKeyOf(v2.publicKey),
		ct: publicKeyOf(ct.publicKey),
	};
	const ledgers = { v1: new Ledger('v1'), v2: new Ledger('v2'), ct: new Ledger('ct') };
	let databaseUrl = '';
	return {
		folder,
		markFolder,
		dataDir,
		get plan() {
			return { ...plan, databaseUrl };
		},
		urls: urlsOf(plan),
		client,
		reader: createReader(keys, TREE_ID, ledgers),
		authority,
		adminToken,
		anotherPlan: async (name, changes) => ({ ...plan, databaseUrl, name, ports: await planPorts(), ...changes }),
		startDatabase: async (changes = {}) => {
			const database = await startEmbedded({ dataDir, ...changes });
			await database.createDatabase(DATABASE);
			databaseUrl = database.url(DATABASE);
			return database;
		},
		startServer: (env) => startLogServer({ ...plan, databaseUrl }, folder, env),
		registerAuthority: async () => {
			const url = `http://127.0.0.1:${ports.ctAdmin}/admin/v1/roots`;
			const deadline = performance.now() + REGISTER_WITHIN_MS;
			for (;;) {
				const body = JSON.stringify(await authority.report());
				const reply = await client.ask(url, { body, token: adminToken }).catch(() => undefined);
				if (reply?.status === 200 || reply?.status === 201) return;
				if (performance.now() > deadline) throw new Violation(`the CT log takes no root: ${reply?.body}`);
				await sleep(RETRY_MS);
			}
		},
		remove: async () => {
			client.close();
			await rm(folder, { recursive: true, force: true });
		},
	};
}

export function urlsOf({ ports }: ProcessPlan): Record<LogName, string> {
	const url = (port: number) => `http://127.0.0.1:${port}`;
	return { v1: url(ports.v1), v2: url(ports.v2), ct: url(ports.ct) };
}

export type DatabaseKill = 'all processes' | 'main process' | 'one backend';

/** SIGKILL without warning. Of `one backend` the server recovers by itself. Returns whether anything was hit. */
export async function killDatabase(
	database: { readonly pid: number | undefined; readonly cluster: string },
	how: DatabaseKill,
	pick: (pids: readonly number[]) => number,
): Promise<boolean> {
	const all = await postgresProcesses(database.cluster);
	const others = all.filter((pid) => pid !== database.pid);
	const main = database.pid === undefined ? [] : [database.pid];
	if (how === 'main process') return kill(main);
	if (how === 'one backend') return others.length > 0 && kill([pick(others)]);
	return kill([...main, ...others]);
}

function kill(pids: readonly number[]): boolean {
	let hit = false;
	for (const pid of pids)
		try {
			process.kill(pid, 'SIGKILL');
			hit = true;
		} catch (error) {
			// It ended between the look and the kill.
			if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
		}
	return hit;
}

/** What the server itself says about durability. */
export async function readSettings(url: string): Promise<Record<string, string>> {
	const names = ['fsync', 'full_page_writes', 'synchronous_commit', 'wal_sync_method', 'io_method', 'data_checksums'];
	const database = openDatabase({ url, applicationName: 'campaign', maxConnections: 1 });
	try {
		const rows = await database.query<{ name: string; setting: string }>(
			'select name, setting from pg_settings where name = any($1) order by name',
			[names],
		);
		return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
	} finally {
		await database.close();
	}
}

async function planPorts(): Promise<ProcessPlan['ports']> {
	const [v1 = 0, v2 = 0, logAdmin = 0, ct = 0, ctAdmin = 0] = await freePorts(5);
	return { v1, v2, logAdmin, ct, ctAdmin };
}
