/**
 * `chancery doctor` on a real instance, which was published and has signed: nothing is wrong with it, running or stopped.
 * Then each thing is broken in turn, and exactly the check whose affair that is says so, with what to do.
 */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createCaChain } from '@chancery/ca/ca-chain';
import { ca } from '@chancery/ca/definition';
import { encodePem } from '@chancery/core/pem';
import { log } from '@chancery/log/definition';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { freePorts } from '@chancery/testkit/free-port';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { examineVariant } from '../../test/serve/examined.ts';
import { type InstanceFolder, makeInstanceFolder } from '../../test/serve/instance-folder.ts';
import { publishTrust, signAndVerify } from '../../test/serve/sign-with.ts';
import { Run } from '../../test/up/run.ts';
import { openDevelopmentTls } from '../bootstrap/development-tls.ts';

const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');
const ENV = { PATH: process.env.PATH };
const YEAR_MS = 365 * 86_400_000;
const WAIT = { timeout: 60_000, interval: 50 };
/** The listeners of six services, one of which has two for clients. */
const LISTENERS = 13;

type Variant = Parameters<typeof examineVariant> extends [unknown, ...infer Rest] ? Rest : never;

let folder: string;
let data: TestDatabase;
let instance: InstanceFolder;
let services: Run | undefined;

const examine = (...variant: Variant) => examineVariant(instance, ...variant);
const section = (name: string) => instance.config[name] as Record<string, unknown>;
const at = (...parts: string[]) => join(instance.path, ...parts);

async function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
	return promisify(execFile)(CHANCERY, args, { cwd: '/', env: ENV }).then(
		({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
		({ code, stdout, stderr }) => ({ code, stdout, stderr }),
	);
}

async function serve(file: string, listeners: number, ...names: string[]): Promise<Run> {
	const stdio = ['ignore', 'pipe', 'pipe'] as const;
	const run = new Run(
		spawn(CHANCERY, ['serve', ...names, '--config', file], { cwd: '/', env: ENV, stdio: [...stdio] }),
	);
	await vi.waitUntil(() => run.stderr.split('"listening"').length - 1 === listeners, WAIT);
	return run;
}

/** A server of something else. */
async function neighbour(
	onConnection: (server: Server) => void = () => undefined,
): Promise<{ port: number } & Disposable> {
	const server = createServer((socket) => void socket.on('error', () => undefined));
	onConnection(server);
	await once(server.listen(0, '127.0.0.1'), 'listening');
	return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() };
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-doctor-'));
	data = await createTestDatabase();
	instance = await makeInstanceFolder(join(folder, 'instance'), data.url);
}, 60_000);
afterAll(async () => {
	services?.kill('SIGKILL');
	await services?.ended;
	await data.drop();
	await rm(folder, { recursive: true });
});

describe('before anything was made', { timeout: 300_000 }, () => {
	const STORING = ['identity', 'ca', 'log', 'ctlog', 'tuf'];

	it('says which commands come first, and makes none of what they make', async () => {
		const { configFile } = instance;
		const files = await filesOf(instance.path);
		const { code, stdout, stderr } = await command('doctor', '--config', configFile);
		expect(code, stderr).toBe(1);
		for (const name of STORING) expect(stdout).toContain(`-> chancery migrate ${name} --config ${configFile}\n`);
		expect(stderr).toBe(`${STORING.length} problems\n`);
		expect(await filesOf(instance.path)).toEqual(files);
		const schemas = await data.database.query(
			`select nspname from pg_namespace where nspname !~ '^pg_|information_schema|public'`,
		);
		expect(schemas).toEqual([]);
	});

	it('says that logs are missing when the rest is there', async () => {
		expect(await command('migrate', '--config', instance.configFile)).toMatchObject({ code: 0 });
		const { problems, said } = await examine();
		expect(problems).toEqual(['log.v1', 'log.v2', 'ctlog.ctlog', 'tuf.roles']);
		expect(said('ctlog.ctlog')).toMatch(/has not been created in this database.* -> chancery log create --config \S+/);
		expect(said('tuf.roles')).toMatch(/no root has been published -> .*chancery trust publish/);
	});
});

describe('a healthy instance', { timeout: 300_000 }, () => {
	beforeAll(async () => {
		expect(await command('log', 'create', '--config', instance.configFile)).toMatchObject({ code: 0 });
		services = await serve(instance.configFile, LISTENERS);
		await signAndVerify(instance, await publishTrust(instance));
	}, 240_000);

	it('has no problem while it runs, and signs', async () => {
		const { code, stdout, stderr } = await command('doctor', '--config', instance.configFile, '--json');
		const { findings, ...counts } = JSON.parse(stdout) as {
			findings: { check: string; verdict: string; found: string }[];
		};
		expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
		expect(counts).toEqual({ problems: 0, warnings: 0 });
		expect([code, stderr]).toEqual([0, '']);
		expect(findings.at(-1)).toMatchObject({
			check: 'signature',
			found: expect.stringContaining('signed and verified'),
		});
		expect(stdout).not.toMatch(/operator-token|development-token-of|PRIVATE KEY/);
	});

	it('is not asked about what was not named, and nobody is called when that is said', async () => {
		const { findings } = await examine({}, { services: ['tsa', 'ca'], isOffline: true });
		expect(new Set(findings.map(({ service }) => service))).toEqual(new Set([undefined, 'ca', 'tsa']));
		const skipped = findings.filter(({ verdict }) => verdict === 'skipped').map(({ check }) => check);
		expect(skipped).toEqual(['ca.issuers', 'ca.ct-log', 'signature']);
	});

	it('signs with a token of somebody, where there is no development login', async () => {
		const identity = { ...section('identity'), developmentSecret: undefined };
		const without = await examine({ identity });
		expect(without.findings.at(-1)).toMatchObject({
			verdict: 'skipped',
			found: expect.stringContaining('--identity-token-file'),
		});
		const file = at('token');
		const minted = await command(
			...['token', '--issuer', instance.url('identity.public'), '--secret-file', at('development-token')],
			...['--email', 'alice@example.com'],
		);
		await writeFile(file, minted.stdout, { mode: 0o600 });
		await writeFile(at('no-login.yaml'), JSON.stringify({ ...instance.config, identity }), { mode: 0o600 });
		const { code, stdout } = await command('doctor', '--config', at('no-login.yaml'), '--identity-token-file', file);
		expect(stdout).toMatch(/^ok +signature: signed and verified for alice@example\.com/m);
		expect(stdout).not.toContain(minted.stdout.trim());
		expect(code).toBe(0);
	});

	it('is told from a neighbour who has its port, and from a service whose key nobody trusts', async () => {
		using other = await neighbour((server) => server.on('connection', (socket) => socket.end('SSH-2.0-x\r\n')));
		const tsa = {
			...section('tsa'),
			listen: { ...(section('tsa').listen as object), public: { host: '127.0.0.1', port: other.port } },
		};
		const taken = await examine({ tsa }, { services: ['tsa'] });
		expect(taken.problems).toEqual(['tsa.listeners']);
		expect(taken.said('tsa.listeners')).toContain(`-> see who has it: ss -ltnp 'sport = :${other.port}'`);

		const foreign = await makeInstanceFolder(join(folder, 'foreign'), data.url);
		const run = await serve(foreign.configFile, 2, 'tsa');
		try {
			const [first] = section('tuf').services as object[];
			const reported = { ...first, trustReportUrl: `${foreign.url('tsa.admin')}/admin/v1/trust` };
			const found = await examine({ tuf: { ...section('tuf'), services: [reported] } }, { services: ['tuf'] });
			expect(found.problems).toEqual(['tuf.reports']);
			expect(found.said('tuf.reports')).toMatch(
				/a timestamp-authority that the trusted root does not name.* -> .*trust publish/,
			);
		} finally {
			await run.stop();
		}
	});

	it('has no problem when it is stopped: what does not run is skipped, and nothing is changed', async () => {
		await services?.stop();
		services = undefined;
		const { findings: first } = await examine();
		const [files, rows] = [await filesOf(instance.path), await rowsOf(data)];
		const { findings, problems } = await examine();
		expect(problems).toEqual([]);
		expect(findings.filter(({ verdict }) => verdict === 'warning')).toEqual([]);
		expect(findings.length).toBe(first.length);
		const skipped = findings.filter(({ verdict }) => verdict === 'skipped').map(({ check }) => check);
		expect(new Set(skipped)).toEqual(new Set(['ca.issuers', 'ca.ct-log', 'tuf.reports', 'signature']));
		const after = (await filesOf(instance.path)).filter((line) => !line.includes('variant-'));
		expect(after).toEqual(files.filter((line) => !line.includes('variant-')));
		expect(await rowsOf(data)).toEqual(rows);
	});
});

describe('of what is broken, one check speaks:', { timeout: 300_000 }, () => {
	it('a key that others may read', async () => {
		await chmod(at('keys', 'ca-issuing.pem'), 0o644);
		const { problems, said } = await examine();
		await chmod(at('keys', 'ca-issuing.pem'), 0o600);
		expect(problems).toEqual(['ca.keys']);
		expect(said('ca.keys')).toMatch(/has mode 0644: .* -> chmod 600 \S+ca-issuing\.pem$/);
	});

	it('a key that is none of the chain', async () => {
		const { problems, said } = await examine({
			ca: { ...section('ca'), keys: { issuing: { uri: 'file:keys/tsa.pem' } } },
		});
		expect(problems).toEqual(['ca.chain']);
		expect(said('ca.chain')).toMatch(/the signing key is not the key of .* -> chancery config check ca/);
	});

	it('a chain that has ended', async () => {
		const { issuing, root } = await createCaChain({
			rootSigner: instance.keys.holders['ca-root'],
			issuingSigner: instance.keys.of(ca).issuing,
			organization: 'test',
			commonName: 'test',
			notBefore: new Date(Date.now() - 4 * YEAR_MS),
			random: (n) => new Uint8Array(randomBytes(n)),
		});
		await writeFile(at('old.pem'), encodePem('CERTIFICATE', issuing) + encodePem('CERTIFICATE', root));
		const { problems, said } = await examine({ ca: { ...section('ca'), chainPem: { file: 'old.pem' } } });
		expect(problems).toEqual(['ca.chain']);
		expect(said('ca.chain')).toMatch(/the chain of 2 for the key expired on .* -> issue a new chain/);
	});

	it('a database that is down, and one that does not answer', async () => {
		using silent = await neighbour();
		for (const port of [1, silent.port]) {
			const url = `postgres://chancery:secret-of-the-database@127.0.0.1:${port}/chancery`;
			const { problems, findings, said } = await examine({ database: { url } }, { services: ['log', 'tsa'] });
			expect(problems).toEqual(['database']);
			expect(said('database')).toMatch(/the database cannot be used: .* -> .*pg_isready/);
			expect(findings.find(({ check }) => check === 'log.v1')?.found).toBe('not looked at: first mend database');
			expect(JSON.stringify(findings)).not.toContain('secret-of-the-database');
		}
	});

	it('a role that does not own the tables of its logs', async () => {
		const role = `guest_${randomBytes(4).toString('hex')}`;
		await data.database.query(`create role ${role}`);
		await data.database.query(`grant usage, create on schema log to ${role}`);
		await data.database.query(`grant select, insert, update, delete on all tables in schema log to ${role}`);
		const url = new URL(data.url);
		url.searchParams.set('options', `-c role=${role}`);
		const { problems, said } = await examine({ database: { url: url.href } }, { services: ['log'] });
		await data.database.query(`drop owned by ${role}`);
		await data.database.query(`drop role ${role}`);
		expect(problems).toEqual(['log.rights']);
		expect(said('log.rights')).toMatch(/does not own log\.\S+: .* -> as their owner: alter table/);
	});

	it('a clock that is wrong', async () => {
		const { problems, said } = await examine({}, { clock: () => Date.now() + 5_000 });
		expect(problems).toEqual(['clock']);
		expect(said('clock')).toMatch(/is 5\.\d s ahead of that of the database.* -> .*timedatectl/);
		const behind = await examine({}, { clock: () => Date.now() - YEAR_MS, services: ['tsa'] });
		expect(behind.problems).toEqual(['tsa.chain', 'tsa.time']);
		expect(behind.said('tsa.time')).toMatch(/\d+ s behind the last token.* -> .*chronyc/);
	});

	it('a mark that is gone, which looking does not bring back', async () => {
		await rename(at('marks', 'v2'), at('v2.away'));
		const { problems, said } = await examine();
		const again = await filesOf(at('marks'));
		await rename(at('v2.away'), at('marks', 'v2'));
		expect(problems).toEqual(['log.v2-mark']);
		expect(said('log.v2-mark')).toMatch(
			/missing: there is no mark beside .* -> .*chancery log adopt-head --config \S+ --log v2 --size [1-9]/,
		);
		expect(again.filter((line) => line.startsWith('v2 '))).toEqual([]);
	});

	it('a database that is older than its mark', async () => {
		const { publicKey } = instance.keys.of(log).v1;
		const keyId = new Uint8Array(await crypto.subtle.digest('SHA-256', Buffer.from(publicKey)));
		const text = await readFile(at('marks', 'v1'), 'utf8');
		const mark = openFileMark(at('marks', 'v1'));
		await mark.advance({ origin: '127.0.0.1 - 7', keyId, size: 10_000, root: randomBytes(32), note: randomBytes(8) });
		await mark.close?.();
		const { problems, said } = await examine();
		await writeFile(at('marks', 'v1'), text);
		expect(problems).toEqual(['log.v1-mark']);
		expect(said('log.v1-mark')).toMatch(/rolled-back: .* but 10000 were published.* -> find out which/);
	});

	it('a mark that cannot be made out', async () => {
		const text = await readFile(at('marks', 'tuf'), 'utf8');
		await writeFile(at('marks', 'tuf'), text.slice(0, 40));
		const { problems, said, findings } = await examine();
		await writeFile(at('marks', 'tuf'), text);
		expect(problems).toEqual(['tuf.marks']);
		expect(said('tuf.marks')).toMatch(/cannot be made out/);
		expect(findings.find(({ check }) => check === 'tuf.mark')?.found).toBe('not looked at: first mend tuf.marks');
	});

	it('a mark whose folder is a file', async () => {
		await writeFile(at('no-folder'), '');
		const { problems } = await examine(
			{ tsa: { ...section('tsa'), markFile: 'no-folder/mark' } },
			{ services: ['tsa'] },
		);
		expect(problems).toEqual(['tsa.marks']);
	});

	it('a role of the root of trust that has expired', async () => {
		const set = async (sql: string) => {
			await data.database.query('alter table tuf.metadata disable trigger all');
			await data.database.query(`update tuf.metadata set expires_at = expires_at ${sql} where role = 'timestamp'`);
			await data.database.query('alter table tuf.metadata enable trigger all');
		};
		await set("- interval '30 days'");
		const { problems, said } = await examine();
		await set("+ interval '30 days'");
		expect(problems).toEqual(['tuf.roles']);
		expect(said('tuf.roles')).toMatch(/timestamp \d+ expired on .* -> run the service tuf/);
	});

	it('an issuer that is away, and one that does not answer', async () => {
		using silent = await neighbour();
		const [closed = 0] = await freePorts(1);
		const issuers = [closed, silent.port].map((port) => ({ type: 'email', issuer: `http://127.0.0.1:${port}/realm` }));
		const { problems, findings } = await examine({ ca: { ...section('ca'), issuers } });
		expect(problems).toEqual(['ca.issuers']);
		const said = findings
			.filter(({ verdict }) => verdict === 'problem')
			.map(({ found, advice }) => `${found} -> ${advice}`);
		expect(said).toEqual([
			expect.stringMatching(
				/realm cannot be had: .*ECONNREFUSED.* -> .*curl -f http:\/\/127.0.0.1:\d+\/realm\/\.well-known/,
			),
			expect.stringMatching(/no answer in time.* -> .*curl/),
		]);
	});

	it('a certificate of a listener that has expired, and one for another name', async () => {
		const tlsOf = async (name: string, nowMs: number) => {
			await mkdir(at(name), { mode: 0o700 });
			const { certificateFile, keyFile } = await openDevelopmentTls(at(name), 'sign.example.com', nowMs);
			const listen = section('tsa').listen as Record<string, object>;
			const listener = { ...listen.public, tls: { certificateFile, keyFile } };
			const publicUrl = 'https://other.example.com';
			return {
				tsa: { ...section('tsa'), publicUrl, markFile: 'marks/other', listen: { ...listen, public: listener } },
			};
		};
		const old = await examine(await tlsOf('old-tls', Date.now() - YEAR_MS), { services: ['tsa'] });
		expect(old.problems).toEqual(['tsa.tls']);
		expect(old.said('tsa.tls')).toMatch(/expired on .*; renew it/);
		const other = await examine(await tlsOf('other-tls', Date.now()), { services: ['tsa'] });
		expect(other.problems).toEqual([]);
		expect(other.said('tsa.tls')).toMatch(/clients are sent to other\.example\.com -> have one issued for other/);
	});

	it('a secret that others may read, and a password in the file itself', async () => {
		await chmod(at('development-token'), 0o644);
		const { problems, said } = await examine({}, { services: ['identity'] });
		await chmod(at('development-token'), 0o600);
		expect(problems).toEqual([]);
		expect(said('identity.secrets')).toMatch(/development-token has mode 0644: .* -> chmod 600/);
		const url = 'postgres://chancery:secret-of-the-database@127.0.0.1/chancery';
		const inFile = await examine({ database: { url } }, { services: ['tsa'] }, 0o644);
		expect(inFile.problems).toEqual([]);
		expect(inFile.said('configuration')).toMatch(
			/has a password in it and mode 0644.* -> write it as \{ file: PATH \}/,
		);
	});

	it('what production does not start with', async () => {
		const { problems, said } = await examine({ profile: 'production', allow: [] }, { services: ['tsa'] });
		expect(problems).toEqual(['configuration', 'tsa.keys']);
		expect(said('configuration')).toMatch(/-> mend it, or write at the top: allow: \[[a-z-]+\]/);
	});
});

const isRoot = process.getuid?.() === 0;
const canMount =
	isRoot &&
	(await promisify(execFile)('unshare', ['-m', 'true']).then(
		() => true,
		() => false,
	));

describe.runIf(canMount || !isRoot)('a mark on a file system', () => {
	it('that is read-only', async () => {
		await mkdir(at('closed'), { mode: isRoot ? 0o700 : 0o500 });
		const config = { ...instance.config, tsa: { ...section('tsa'), markFile: 'closed/tsa' } };
		await writeFile(at('closed.yaml'), JSON.stringify(config), { mode: 0o600 });
		const doctor = [CHANCERY, 'doctor', 'tsa', '--config', at('closed.yaml')] as const;
		const mounted = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"';
		const [file = '', ...args] = isRoot
			? ['unshare', '-m', 'sh', '-c', mounted, 'sh', at('closed'), ...doctor]
			: doctor;
		const { stdout, code } = await promisify(execFile)(file, args, { env: ENV }).then(
			({ stdout }) => ({ stdout, code: 0 }),
			({ stdout, code }) => ({ stdout, code }),
		);
		expect(stdout.match(/^problem.*$/gm), stdout).toEqual([
			expect.stringMatching(/tsa\.marks: .*this user may not write \S+closed \(E(ROFS|ACCES)\)/),
		]);
		expect(code).toBe(1);
	}, 240_000);
});

async function filesOf(path: string): Promise<string[]> {
	const { stdout } = await promisify(execFile)('find', [path, '-mindepth', '1', '-printf', '%P %m %U %s %T@\\n']);
	return stdout.trim().split('\n').sort();
}

/** How many rows every table has, as the transactions before have left them. */
async function rowsOf({ database }: TestDatabase): Promise<object[]> {
	const tables = await database.query<{ name: string }>(
		`select format('%I.%I', schemaname, tablename) as name from pg_tables
		where schemaname !~ '^(pg_|information_schema)' order by 1`,
	);
	return Promise.all(
		tables.map(async ({ name }) => {
			const [row] = await database.query<object>(
				`select '${name}' as name, count(*), max(xmin::text::bigint) from ${name}`,
			);
			return row as object;
		}),
	);
}
