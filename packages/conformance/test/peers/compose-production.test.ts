/** deploy/compose/production.yml: an instance that `chancery init` made for production, with a database that is elsewhere. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeOpenIdIssuer, type OpenIdIssuer, serveOpenIdIssuer } from '@chancery/testkit/openid-issuer';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { buildImage } from './containers/built-image.ts';
import { CHECKOUT, type Engine, openEngine, runWithin } from './containers/engine.ts';
import { until } from './kubernetes/started-program.ts';

const FILE = join(CHECKOUT, 'deploy/compose/production.yml');
const OURS = join(CHECKOUT, 'packages/cli/bin/chancery');
const PROJECT = 'chancery-production-test';
const [PORT_BASE, ADMIN_PORT_BASE, ISSUER_PORT] = [27_400, 27_420, 27_440];
const EMAIL = 'you@example.com';
const OFFSETS = { ca: 2, log: 3, ctlog: 5, tsa: 6, tuf: 7 };
const READY_WITHIN_MS = 120_000;

const cleanups: (() => Promise<unknown>)[] = [];
let engine: Engine;
let folder: string;
let people: OpenIdIssuer;
let compose: (...args: string[]) => Promise<string>;

beforeAll(async () => {
	engine = await openEngine(inject('peers')['docker compose']);
	cleanups.push(() => engine.end());
	await buildImage(engine, 'server');
	folder = await mkdtemp(join(tmpdir(), 'chancery-production-'));
	cleanups.push(() => rm(folder, { recursive: true, force: true }));
	// The user of the services, another than the one of this test, has to pass.
	await chmod(folder, 0o755);
	const socket = join(folder, 'postgresql');
	await mkdir(join(folder, 'marks'));
	await mkdir(socket);
	const database = ['--env', 'POSTGRES_DB=chancery', '--env', 'POSTGRES_HOST_AUTH_METHOD=trust'];
	const locale = ['--env', 'POSTGRES_INITDB_ARGS=--encoding=UTF8 --locale=C --data-checksums'];
	const how = ['run', '--detach', '--rm', '--network', 'none', '--volume', `${socket}:/var/run/postgresql`];
	const id = (await engine.docker([...how, ...database, ...locale, 'postgres:17'])).trim();
	cleanups.push(() => engine.docker(['rm', '--force', '--volumes', id]));
	const isReady = ['exec', id, 'psql', '--username', 'postgres', '--dbname', 'chancery', '--command', 'select 1'];
	await until('the database', READY_WITHIN_MS, async () => (await engine.docker(isReady)) !== '');
	const env = {
		INSTANCE: join(folder, 'instance'),
		MARKS: join(folder, 'marks'),
		DATABASE: socket,
		TLS: join(folder, 'tls'),
		AUTHORITIES: '/etc/chancery/tls/tls.crt',
	};
	compose = (...args) => engine.docker(['compose', '--project-name', PROJECT, '--file', FILE, ...args], { env });
	await makeInstance();
	cleanups.push(() => compose('--profile', '*', 'down', '--volumes', '--timeout', '15'));
}, 1_800_000);
afterAll(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function makeInstance(): Promise<void> {
	const addresses = Object.entries({ ...OFFSETS, log2: 4 });
	const answers = `profile: production
organization: Example
urls: { ${addresses.map(([name, offset]) => `${name}: 'https://localhost:${PORT_BASE + offset}'`).join(', ')} }
issuers: [{ type: email, issuer: 'https://localhost:${ISSUER_PORT}/people' }]
listen:
  portBase: ${PORT_BASE}
  adminPortBase: ${ADMIN_PORT_BASE}
  tls: { certificateFile: /etc/chancery/tls/tls.crt, keyFile: /etc/chancery/tls/tls.key }
database: { url: 'postgres://postgres@/chancery?host=/var/run/postgresql' }
marks: { folder: /var/lib/chancery/marks }
offline: { passphraseFile: passphrase }
`;
	await writeFile(join(folder, 'answers.yaml'), answers);
	await mkdir(join(folder, 'tls'));
	const key = [
		'-newkey',
		'ec',
		'-pkeyopt',
		'ec_paramgen_curve:P-256',
		'-nodes',
		'-keyout',
		join(folder, 'tls/tls.key'),
	];
	const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
	await mustRun('openssl', ['req', '-x509', ...key, ...name, '-days', '2', '-out', join(folder, 'tls/tls.crt')]);
	const [tlsKey, cert] = [await readFile(join(folder, 'tls/tls.key')), await readFile(join(folder, 'tls/tls.crt'))];
	people = makeOpenIdIssuer(`https://localhost:${ISSUER_PORT}/people`);
	const served = await serveOpenIdIssuer(people, { key: tlsKey, cert });
	cleanups.push(() => served.close());
	await writeFile(join(folder, 'passphrase'), 'correct horse battery staple\n', { mode: 0o600 });
	await mustRun(OURS, ['init', '--answers', join(folder, 'answers.yaml'), '--out', join(folder, 'instance')]);
	const given = ['chancery.yaml', 'keys', 'chains', 'secrets'].map((part) => join(folder, 'instance', part));
	await mustRun('chown', ['-R', '65532:65532', ...given, join(folder, 'marks'), join(folder, 'tls/tls.key')]);
}

async function mustRun(program: string, args: readonly string[]): Promise<void> {
	const { code, stdout, stderr } = await runWithin(program, args);
	expect(code, `${program} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
}

/** Over TLS, with the certificate of the instance as the only one that is trusted. */
async function textAt(offset: number, path: string): Promise<string> {
	const ca = await readFile(join(folder, 'tls/tls.crt'));
	const { promise, resolve, reject } = Promise.withResolvers<string>();
	get(`https://localhost:${PORT_BASE + offset}${path}`, { ca, agent: false }, async (answer) => {
		const chunks: Buffer[] = [];
		for await (const chunk of answer) chunks.push(chunk as Buffer);
		resolve(Buffer.concat(chunks).toString());
	}).on('error', reject);
	return promise;
}

const readinessOf = async (offset: number) =>
	(await fetch(`http://127.0.0.1:${ADMIN_PORT_BASE + offset}/readyz`)).json() as Promise<{ ready: boolean }>;

it('serves after migrate and log create, and publishes its root of trust', async () => {
	await compose('run', '--rm', 'migrate');
	await compose('run', '--rm', 'logs');
	await compose('up', '--detach');
	const log = () => compose('logs', '--tail', '40');
	for (const name of ['log', 'ctlog', 'tsa'] as const)
		await until(`readiness of ${name}`, READY_WITHIN_MS, async () => (await readinessOf(OFFSETS[name])).ready, log);
	// As an operator whose machine trusts the organization's authority.
	const env = { SSL_CERT_FILE: join(folder, 'tls/tls.crt') };
	const publish = ['trust', 'publish', '--instance', join(folder, 'instance'), '--wait', '60'];
	const published = await runWithin(OURS, publish, { env });
	expect(published.code, `${published.stdout}${published.stderr}\n${await log()}`).toBe(0);
	for (const [name, offset] of Object.entries(OFFSETS))
		await until(`readiness of ${name}`, READY_WITHIN_MS, async () => (await readinessOf(offset)).ready, log);
});

/** As anyone in the organization, with a token of its own issuer. */
async function sign(): Promise<void> {
	const who = ['--identity-token', people.token(EMAIL), '--email', EMAIL, '--issuer', people.issuer];
	const env = { SSL_CERT_FILE: join(folder, 'tls/tls.crt') };
	const tested = await runWithin(OURS, ['self-test', '--instance', join(folder, 'instance'), ...who], { env });
	expect(tested.code, `${tested.stdout}${tested.stderr}\n${await compose('logs', '--tail', '40')}`).toBe(0);
	expect(tested.stderr).toContain('a signature was made and verified');
}

it('signs and verifies for whom the issuer of the organization names', sign);

it('goes on after its container was made anew', async () => {
	const root = () => textAt(OFFSETS.tuf, '/1.root.json');
	const before = await root();
	expect(before).toContain('"signatures"');
	await compose('up', '--detach', '--force-recreate');
	for (const [name, offset] of Object.entries(OFFSETS))
		await until(
			`readiness of ${name}`,
			READY_WITHIN_MS,
			async () => (await readinessOf(offset)).ready,
			() => compose('logs', '--tail', '40'),
		);
	expect(await root()).toBe(before);
	await sign();
});

it('has no secret in its environment or its command, and no way to write beside the marks', async () => {
	const [id = ''] = (await compose('ps', '--quiet', 'chancery')).trim().split('\n');
	const [{ Config, HostConfig, Mounts }] = JSON.parse(await engine.docker(['inspect', id])) as [
		{
			Config: { Env: string[] };
			HostConfig: { ReadonlyRootfs: boolean; CapDrop: string[] };
			Mounts: { Destination: string; RW: boolean }[];
		},
	];
	expect(Config.Env.map((it) => it.split('=')[0]).sort()).toEqual(['HOME', 'NODE_ENV', 'PATH', 'SSL_CERT_FILE']);
	expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'] });
	const writable = Mounts.filter(({ RW }) => RW).map(({ Destination }) => Destination);
	expect(writable.sort()).toEqual(['/var/lib/chancery/marks', '/var/run/postgresql']);
	expect(Mounts.some(({ Destination }) => /offline|operator/.test(Destination))).toBe(false);
});
