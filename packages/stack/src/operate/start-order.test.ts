/**
 * An operator's way from an empty database to running services, on a real one: what each service says when it is started
 * too early, and that the command it names is the way on.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodePem } from '@chancery/core/pem';
import { ctlog } from '@chancery/ctlog/definition';
import { createFileKey } from '@chancery/keys/file/file-key';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openDevelopmentChains } from '../bootstrap/development-chains.ts';
import { openDevelopmentKeys } from '../bootstrap/development-keys.ts';

const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');
const SERVICES = ['identity', 'ca', 'log', 'ctlog', 'tuf'];
const ROLE = `reader_${randomBytes(4).toString('hex')}`;
/** Gives a program a terminal. */
const SCRIPT = '/usr/bin/script';
const LOGS = ['log', 'ctlog'];
/** Listening and refusing both come soon; only so that a hang is reported as one. */
const DECIDED_WITHIN_MS = 60_000;

type Config = Record<string, Record<string, unknown> | unknown>;

let folder: string;
let data: TestDatabase;
let config: Config;
const children: ChildProcess[] = [];

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-start-order-'));
	data = await createTestDatabase();
	const keyFolder = join(folder, 'keys');
	await mkdir(keyFolder, { mode: 0o700 });
	const keys = await openDevelopmentKeys(keyFolder);
	const chains = await openDevelopmentChains(keyFolder, keys, new Date());
	const key = (name: string) => ({ uri: `file:${join(keyFolder, `${name}.pem`)}` });
	const listen = (...names: string[]) =>
		Object.fromEntries([...names, 'admin'].map((name) => [name, { host: '127.0.0.1', port: 0 }]));
	const mark = (name: string) => join(folder, 'marks', name);
	config = {
		profile: 'development',
		database: { url: data.url },
		identity: {
			publicUrl: 'http://id.test',
			signingJwks: { file: join(keyFolder, 'identity.jwks.json') },
			listen: listen('public'),
		},
		ca: {
			publicUrl: 'http://ca.test',
			chainPem: chains.ca,
			ctlog: { url: 'http://127.0.0.1:1', publicKeyPem: encodePem('PUBLIC KEY', keys.of(ctlog).signer.publicKey) },
			issuers: [{ type: 'email', issuer: 'http://id.test/auth' }],
			keys: { issuing: key('ca-issuing') },
			listen: listen('public'),
		},
		log: {
			v1: { publicUrl: 'http://log.test', hostname: 'log.test', treeId: '7' },
			v2: { publicUrl: 'http://log2.test', origin: 'log2.test' },
			markFiles: { v1: mark('v1'), v2: mark('v2') },
			keys: { v1: key('log-v1'), v2: key('log-v2') },
			listen: listen('v1', 'v2'),
		},
		ctlog: {
			publicUrl: 'http://ct.test',
			markFile: mark('ctlog'),
			keys: { signer: key('ctlog') },
			listen: listen('public'),
		},
		tuf: {
			publicUrl: 'http://tuf.test',
			operator: 'test',
			markFile: mark('tuf'),
			services: [],
			keys: { snapshot: key('tuf-snapshot'), timestamp: key('tuf-timestamp') },
			listen: listen('public'),
		},
	};
});
afterEach(() => {
	for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
	await data.drop();
	await rm(folder, { recursive: true });
});

async function configFile(changed: Config = config): Promise<string> {
	const path = join(folder, 'chancery.yaml');
	// JSON is YAML.
	await writeFile(path, JSON.stringify(changed));
	return path;
}

/** How a start was decided: the exit code, or `listening`, and everything that was said. */
async function start(service: string, changed?: Config): Promise<{ outcome: number | string; log: string }> {
	const main = fileURLToPath(import.meta.resolve(`@chancery/${service}/main`));
	const child = spawn(process.execPath, [main, '--config', await configFile(changed)], {
		env: { PATH: process.env.PATH },
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	children.push(child);
	let log = '';
	const listening = new Promise<string>((resolve) => {
		child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
			log += chunk;
			if (log.includes('"listening"')) resolve('listening');
		});
	});
	const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
	const late = new Promise<string>((resolve) => setTimeout(resolve, DECIDED_WITHIN_MS, 'undecided').unref());
	return { outcome: await Promise.race([ended, listening, late]), log };
}

async function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
	const path = await configFile();
	const run = promisify(execFile)(CHANCERY, [...args, '--config', path], { env: { PATH: process.env.PATH } });
	return run.then(
		({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
		({ code, stdout, stderr }) => ({ code, stdout, stderr }),
	);
}

/** One line, no stack. */
function expectSentence(log: string): void {
	expect(log.trim().split('\n')).toHaveLength(1);
	expect(log).not.toMatch(/"stack"|\\n {4}at /);
}

describe('from an empty database to running services', { timeout: 180_000 }, () => {
	it.each(SERVICES)('%s does not listen on an empty database, and names the command', async (service) => {
		const { outcome, log } = await start(service);
		expect(outcome).toBe(78);
		expect(log).toContain(`run 'chancery migrate ${service} --config ${join(folder, 'chancery.yaml')}'`);
		expectSentence(log);
	});

	it('the logs are not begun before their tables are there', async () => {
		const { code, stderr } = await command('log', 'create');
		expect(code).toBe(1);
		expect(stderr).toMatch(/^error: .*run 'chancery migrate log --config .*'\n$/);
	});

	it('the check of the migrations lists what is missing, changes nothing, and exits as services do', async () => {
		const { code, stdout, stderr } = await command('migrate', '--check');
		expect(code).toBe(78);
		expect(stdout).toMatch(/^identity: missing 0001_.*\nca: missing /);
		expect(stderr).toMatch(/^error: the database is not up to date: run 'chancery migrate --config .*'\n$/);
		const json = await command('migrate', '--check', '--json', 'ca');
		expect([json.code, JSON.parse(json.stdout)]).toMatchObject([
			78,
			{ complete: false, services: [{ service: 'ca' }] },
		]);
	});

	it('the migrations as SQL are a script, and nothing else on standard output', async () => {
		const { code, stdout, stderr } = await command('migrate', '--sql');
		expect([code, stderr]).toEqual([0, '']);
		expect(stdout).toMatch(/^-- Brings identity, .*\nbegin;\n.*\ncommit;\n$/s);
		expect((await command('migrate', '--sql', '--json')).code).toBe(2);
	});

	it('several migrate at once, and none fails', async () => {
		const outcomes = await Promise.all([command('migrate'), command('migrate'), command('migrate', 'log', 'ca')]);
		expect(outcomes.map(({ code, stderr }) => [code, stderr])).toEqual([
			[0, ''],
			[0, ''],
			[0, ''],
		]);
		const applied = outcomes.flatMap(({ stdout }) => stdout.match(/^ca: applied .*$/m) ?? []);
		expect(applied.join().match(/0001_/g)).toHaveLength(1);
	});

	it('migrating again changes nothing, and says so', async () => {
		const { code, stdout } = await command('migrate', '--json');
		const services = SERVICES.map((service) => ({ service, applied: [] }));
		expect([code, JSON.parse(stdout)]).toEqual([0, { services }]);
		expect((await command('migrate', '--check')).code).toBe(0);
	});

	it('a service that has no database, or no section, is no service to migrate', async () => {
		expect((await command('migrate', 'tsa')).stderr).toMatch(/^error: 'tsa' is no service with a database; .*\n$/);
	});

	it.each(LOGS)('%s does not listen before it was created, and names the command', async (service) => {
		const { outcome, log } = await start(service);
		expect(outcome).toBe(78);
		expect(log).toContain("has not been created in this database: run 'chancery log create --config FILE'");
		expectSentence(log);
	});

	it('several create the logs at once, and one of them did', async () => {
		const outcomes = await Promise.all([1, 2, 3].map(() => command('log', 'create', '--json')));
		expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0]);
		const logs = outcomes.flatMap(
			({ stdout }) => (JSON.parse(stdout) as { logs: { log: string; isNew: boolean }[] }).logs,
		);
		expect(
			logs
				.filter(({ isNew }) => isNew)
				.map(({ log }) => log)
				.sort(),
		).toEqual(['ctlog', 'v1', 'v2']);
	});

	it.each(SERVICES)('%s listens', async (service) => {
		expect((await start(service)).outcome).toBe('listening');
	});

	it.each(LOGS)('%s does not listen with a key that is not that of its row', async (service) => {
		const path = join(folder, `other-${service}.pem`);
		await createFileKey(path, 'ecdsa-sha2-256-nistp256');
		const section = config[service] as Record<string, Record<string, unknown>>;
		const name = service === 'log' ? 'v1' : 'signer';
		const keys = { ...section.keys, [name]: { uri: `file:${path}` } };
		const { outcome, log } = await start(service, { ...config, [service]: { ...section, keys } });
		expect(outcome).toBe(78);
		expect(log).toMatch(/its publicKey is [0-9a-f]+, configured is [0-9a-f]+/);
		expectSentence(log);
	});

	it('production refuses all of it at once, before it connects anywhere', async () => {
		const away = { ...config, profile: 'production', database: { url: 'postgres://me:pa55@db.invalid/chancery' } };
		const { outcome, log } = await start('log', away);
		expect(outcome).toBe(78);
		for (const finding of ['database.url', 'log.keys.v1', 'log.keys.v2', 'log.v1.publicUrl', 'log.v2.publicUrl'])
			expect(log).toContain(finding);
		expect(log).toContain('allow: [plain-database, unencrypted-keys, plain-urls]');
		expect(log).not.toContain('pa55');
	});

	it('production opens a log of development only when that is allowed by name', async () => {
		const allow = ['unencrypted-keys', 'plain-urls'];
		const refused = await start('ctlog', { ...config, profile: 'production', allow });
		expect([refused.outcome, refused.log]).toEqual([78, expect.stringContaining("('development-data')")]);
		const allowed = { ...config, profile: 'production', allow: [...allow, 'development-data'] };
		expect((await start('ctlog', allowed)).outcome).toBe('listening');
	});

	it('a database that is away is said in one line, and a restart may help', async () => {
		const { outcome, log } = await start('ca', { ...config, database: { url: 'postgres://127.0.0.1:1/none' } });
		expect(outcome).toBe(1);
		expect(log).toContain('the database cannot be reached');
		expectSentence(log);
	});

	it('a database that is not there, and one that it may not read, are said in one line', async () => {
		const url = new URL(data.url);
		url.pathname = '/nothing_of_this_name';
		const missing = await start('ca', { ...config, database: { url: url.href } });
		expect([missing.outcome, missing.log]).toEqual([78, expect.stringContaining('does not exist')]);
		expectSentence(missing.log);
		await data.database.query(`create role ${ROLE} login; revoke all on schema ca from public`);
		// Whoever has all rights becomes, for this process, somebody who has none.
		const asRole = `${data.url}${data.url.includes('?') ? '&' : '?'}options=-c%20role%3D${ROLE}`;
		const closed = await start('ca', { ...config, database: { url: asRole } });
		await data.database.query(`drop role ${ROLE}`);
		expect([closed.outcome, closed.log]).toEqual([78, expect.stringContaining('select on ca.migrations')]);
		expectSentence(closed.log);
	});

	it.skipIf(!existsSync(SCRIPT))('a person at a terminal reads the sentence alone', async () => {
		const main = fileURLToPath(import.meta.resolve('@chancery/tuf/main'));
		const path = await configFile({ ...config, profile: 'staging' });
		const run = promisify(execFile)(SCRIPT, ['-qec', `${process.execPath} ${main} --config ${path}`, '/dev/null']);
		const { code, stdout } = await run.then(
			() => ({ code: 0, stdout: '' }),
			(error: { code: number; stdout: string }) => error,
		);
		expect(code).toBe(78);
		expect(stdout).toMatch(/^the configuration is not valid:\r?\n {2}profile: /);
		expect(stdout).not.toContain('{');
	});

	it.each(SERVICES)('%s does not listen on a database that a newer version has migrated', async (service) => {
		await data.database.query(
			`insert into ${service}.migrations (component, id, name, sha256, applied_at)
			select component, max(id) + 1, '9999_of_tomorrow.sql', '\\x00', now() from ${service}.migrations group by component`,
		);
		const { outcome, log } = await start(service);
		expect(outcome).toBe(78);
		expect(log).toContain('it is older than the schema');
		expectSentence(log);
	});
});
