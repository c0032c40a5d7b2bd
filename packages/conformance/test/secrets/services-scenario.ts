/**
 * The scenario through services that run each by its own `main.ts`: with every log line, over a database that writes down
 * every statement and parameter, beside strangers that repeat or keep silent; then again with default logging.
 */

import { createHash, type KeyObject } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { call } from '@chancery/net/call';
import { holdTrustCeremony } from '@chancery/stack/bootstrap/trust-ceremony';
import { registerRoot } from '@chancery/wire/ct';
import { getTrustReport } from '@chancery/wire/trust-report';
import { CHANCERY } from '../judges/running-instance.ts';
import { badServiceStarts } from './bad-service-starts.ts';
import { filesBelow, type Haystack, rowsOf } from './haystacks.ts';
import { POSTS } from './instance-scenario.ts';
import { misplace } from './misplaced.ts';
import { type PasswordServer, startPasswordServer } from './password-server.ts';
import { ProcessWatch, RecordedProcess } from './recorded-process.ts';
import { Recorder } from './recorder.ts';
import { SecretBook } from './secret-book.ts';
import { signInByPages, signInOnDevice, token } from './sign-in.ts';
import { certify, clientKey, submitEntries } from './signing-requests.ts';
import { type Strangers, startStrangers } from './strangers.ts';
import { createTestbed, openFolder, SERVICE_NAMES, type ServiceName, type Testbed } from './testbed.ts';
import { travelOverTls } from './tls-scenario.ts';

const EMAIL = 'alice@example.com';
const PASSWORD = "pa55 of the 'database'";
const FAULTS = join(import.meta.dirname, 'faults.ts');
const READY_WITHIN_MS = 20_000;

export class ServicesScenario {
	readonly base: string;
	readonly outside: string;
	readonly book: SecretBook;
	readonly recorder = new Recorder();
	readonly watch = new ProcessWatch();
	readonly processes: RecordedProcess[] = [];
	readonly kept: Haystack[] = [];
	readonly strangers: Strangers;
	readonly server: PasswordServer;
	readonly testbed: Testbed;
	readonly exits = new Map<string, number | string>();

	private constructor(
		parts: Pick<ServicesScenario, 'base' | 'outside' | 'strangers'> & {
			server: PasswordServer;
			testbed: Testbed;
			book: SecretBook;
		},
	) {
		this.base = parts.base;
		this.outside = parts.outside;
		this.strangers = parts.strangers;
		this.server = parts.server;
		this.testbed = parts.testbed;
		this.book = parts.book;
		this.processes.push(parts.server.process);
	}

	static async begin(): Promise<ServicesScenario> {
		const base = await openFolder('chancery-services-');
		const outside = await openFolder('chancery-services-outside-');
		const book = new SecretBook();
		const password = book.addText('database password', PASSWORD);
		const strangers = await startStrangers();
		const server = await startPasswordServer(join(base, 'database'), outside, 22_990, password);
		const testbed = await createTestbed(base, book, server.url, strangers);
		await testbed.prepare(server.database);
		const scenario = new ServicesScenario({ base, outside, strangers, server, testbed, book });
		scenario.watch.start();
		return scenario;
	}

	/** Runs the service with this configuration until it has ended; answers the exit. */
	async fail(
		what: string,
		service: ServiceName,
		config: unknown,
		env: NodeJS.ProcessEnv = {},
		args: string[] = [],
	): Promise<void> {
		const text =
			typeof config === 'string' ? config : JSON.stringify({ profile: 'development', ...(config as object) });
		const started = await this.start(`${service}, ${what}`, service, text, env, args);
		// What is misplaced does not always keep a service from starting: then it is told to stop.
		const late = setTimeout(() => started.signal('SIGTERM'), 10_000);
		this.exits.set(what, await started.ended);
		clearTimeout(late);
	}

	async start(
		name: string,
		service: ServiceName,
		config: string,
		env: NodeJS.ProcessEnv = {},
		args: string[] = [],
	): Promise<RecordedProcess> {
		// Outside: what an operator wrote into a file is no finding, what is made of it is.
		const path = join(this.outside, `${name.replaceAll(/[^a-z0-9]+/gi, '-')}.yaml`);
		await writeFile(path, config, { mode: 0o600 });
		const main = join(import.meta.dirname, `../../../${service}/src/main.ts`);
		const started = new RecordedProcess(name, [process.execPath, main, '--config', path, ...args], {
			cwd: this.base,
			env: { PATH: process.env.PATH, HOME: this.base, TMPDIR: this.base, ...this.testbed.environment[service], ...env },
		});
		this.processes.push(started);
		return started;
	}

	/** One service, until its admin listener answers. */
	async serve(
		service: ServiceName,
		level: string,
		env: NodeJS.ProcessEnv = {},
		changes: object = {},
	): Promise<RecordedProcess> {
		const { config, urls, admin } = this.testbed;
		const section = { ...config[service], ...changes };
		const { database } = config;
		// One of them takes the URL from its environment.
		const own = service === 'identity' ? { ...database, url: { env: 'DATABASE_URL' } } : database;
		const text = JSON.stringify({ profile: 'development', logging: { level }, database: own, [service]: section });
		const started = await this.start(`${service} at ${level}`, service, text, env);
		const deadline = performance.now() + READY_WITHIN_MS;
		for (;;) {
			const { status } = await this.recorder.ask(`of ${service} admin /readyz`, `${urls[`${service} admin`]}/readyz`, {
				headers: { authorization: `Bearer ${admin.operator}` },
			});
			if (status === 200 || (status === 503 && (service === 'ca' || service === 'tuf'))) return started;
			if (!started.isRunning || performance.now() > deadline)
				throw new Error(`${service} does not start (${status}):\n${started.text('stderr').slice(-2000)}`);
			await sleep(100);
		}
	}

	async command(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
		const started = new RecordedProcess(name, [CHANCERY, ...args], {
			cwd: this.base,
			env: { PATH: process.env.PATH, HOME: this.base, TMPDIR: this.base, ...env },
		});
		this.processes.push(started);
		this.exits.set(name, await started.ended);
	}

	strayKey(): KeyObject {
		return clientKey(this.book);
	}

	async keepRows(moment: string): Promise<void> {
		for await (const haystack of rowsOf(moment, this.server.database)) this.kept.push(haystack);
	}

	async *haystacks(): AsyncGenerator<Haystack> {
		yield* this.recorder.haystacks();
		yield* this.watch.haystacks();
		for (const one of this.processes) yield* one.haystacks();
		yield* this.kept;
		yield* filesBelow('base', this.base);
		if (this.testbed.token) yield* filesBelow('token', this.testbed.token.folder);
	}

	async end(): Promise<void> {
		for (const one of this.processes) await one.end('SIGKILL').catch(() => undefined);
		await this.watch.stop();
		await this.strangers.close();
		this.testbed.token?.close();
		for (const folder of [this.base, this.outside]) await rm(folder, { recursive: true, force: true });
	}
}

/** Everything, from the first start to the last fault. */
export async function travelThroughServices(scenario: ServicesScenario): Promise<void> {
	const { book, recorder, testbed, server, strangers } = scenario;
	const { urls, admin, signers } = testbed;
	const url = (name: string) => urls[name] ?? '';
	const carried = { CARRIED_SECRET: book.addText('carried secret', 'what-an-error-carried-0f-the-config') };

	// 1. All services, with every log line. The repository first meets a service that repeats what it is told.
	const running = new Map<ServiceName, RecordedProcess>();
	for (const service of SERVICE_NAMES.filter((name) => name !== 'tuf'))
		running.set(service, await scenario.serve(service, 'trace'));
	const echoing = {
		trustReportUrl: `${strangers.echo}/admin/v1/trust`,
		bearer: { file: join(testbed.folder, 'secrets/tuf-bearer') },
	};
	const deceived = await scenario.serve('tuf', 'trace', {}, { services: [echoing] });
	const asOperator = { authorization: `Bearer ${admin.operator}` };
	const options = { fetch, headers: asOperator };
	const ceremony = () =>
		holdTrustCeremony({
			publicUrl: url('tuf public'),
			adminUrl: url('tuf admin'),
			operatorToken: admin.operator,
			signers: signers as never,
			ownMaterial: { has: () => true } as never,
			fetch,
			nowMs: Date.now(),
		});
	await ceremony().catch((error: Error) =>
		scenario.kept.push({
			place: 'error of a ceremony',
			bytes: Buffer.from(`${error.message}\n${error.stack}\n${error.cause}`),
			isDeep: true,
		}),
	);
	await deceived.end();
	running.set('tuf', await scenario.serve('tuf', 'trace'));
	const { body: report } = await call(getTrustReport, url('ca admin'), {}, options);
	await call(registerRoot, url('ctlog admin'), { query: {}, body: report }, options);
	const root = await ceremony();
	const rootFile = join(scenario.base, 'root.json');
	await writeFile(rootFile, root);

	// 2. Sign-ins, certificates, entries, signatures.
	const signIn = { issuer: `${url('identity public')}/auth`, recorder, book };
	const tokens = await signInByPages(signIn, EMAIL, () => scenario.keepRows('with a code'));
	await signInOnDevice(signIn, EMAIL, () => scenario.keepRows('with a device code'));
	const key = clientKey(book);
	const ca = url('ca public');
	const order = { token: tokens.idToken, subject: EMAIL };
	for (const where of ['header', 'body'] as const) await certify(recorder, ca, key, { ...order, version: 2, where });
	await certify(recorder, ca, key, { ...order, version: 1, where: 'header' });
	await certify(recorder, ca, key, { ...order, version: 2, where: 'header', isConfused: true });
	for (const issuer of [strangers.echo, strangers.silence]) {
		const [head = '', , signature = ''] = tokens.idToken.split('.');
		const claims = { iss: issuer, aud: 'sigstore', sub: EMAIL, exp: 4_000_000_000, jti: crypto.randomUUID() };
		const foreign = book.addToken(
			'refused token',
			`${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`,
		);
		await certify(recorder, ca, key, { ...order, token: foreign, version: 2, where: 'body' });
	}
	const logs = { v1: url('log v1'), v2: url('log v2') };
	await submitEntries(recorder, logs, key);
	const checksum = createHash('sha256').update(root).digest('hex');
	await scenario.command('initialize', [
		'initialize',
		'--mirror',
		url('tuf public'),
		'--root',
		rootFile,
		'--root-checksum',
		checksum,
	]);
	const minted = await recorder.ask('development token', `${url('identity public')}/development/token`, {
		method: 'POST',
		headers: { authorization: `Bearer ${testbed.developmentSecret}`, 'content-type': 'application/json' },
		body: JSON.stringify({ email: EMAIL }),
	});
	const development = book.addToken('development token', (JSON.parse(minted.text) as { token: string }).token);
	await scenario.command('sign-blob', ['sign-blob', '--bundle', join(scenario.base, 'bundle.json'), rootFile], {
		SIGSTORE_ID_TOKEN: development,
	});

	// 3. What may be read of them, and what must not be sent to them.
	const lookAround = async () => {
		for (const [name, at] of Object.entries(urls).filter(([name]) => name.endsWith('admin')))
			for (const path of ['/metrics', '/healthz', '/readyz', '/admin/v1/trust', '/admin/v1/trust/v1'])
				await recorder.ask(`of ${name} ${path}`, at + path, { headers: asOperator });
	};
	for (const [name, at] of Object.entries(urls))
		for (const misplaced of [tokens.idToken, admin.service])
			await misplace(recorder, { name, url: at, posts: POSTS[name] ?? [] }, misplaced);
	await lookAround();

	// 4. A database that refuses rows and says which: the server's DETAIL quotes them whole.
	const { database } = server;
	for (const table of ['identity.artifacts', 'ca.issuance'])
		await database.query(`alter table ${table} add constraint refused check (false) not valid`);
	await signInByPages(signIn, EMAIL, async () => undefined).catch(() => undefined);
	await recorder.ask('device authorization', `${signIn.issuer}/device/code`, {
		method: 'POST',
		body: new URLSearchParams({ client_id: 'sigstore', scope: 'openid email' }),
	});
	await certify(recorder, ca, key, { ...order, version: 2, where: 'body' });
	for (const table of ['identity.artifacts', 'ca.issuance'])
		await database.query(`alter table ${table} drop constraint refused`);

	// 5. Neighbours that go away: the CT log, and the database in the middle of requests.
	await running.get('ctlog')?.end('SIGKILL');
	await certify(recorder, ca, key, { ...order, version: 2, where: 'body' });
	running.set('ctlog', await scenario.serve('ctlog', 'debug'));
	const inFlight = Array.from({ length: 6 }, () => certify(recorder, ca, key, { ...order, version: 2, where: 'body' }));
	await database.close();
	await server.process.end('SIGQUIT');
	await Promise.all(inFlight);
	await token(signIn, { grant_type: 'authorization_code', code: tokens.code, code_verifier: tokens.verifier });
	await submitEntries(recorder, logs, clientKey(book));
	await lookAround();
	scenario.processes.push(await server.restart());

	// 6. Errors that nobody catches, and stops in the middle of requests; then once more as by default.
	for (const one of running.values()) if (one.isRunning) await one.end();
	for (const signal of ['SIGUSR2', 'SIGHUP'] as const) {
		const env = { ...carried, CARRIED_TOKEN: development, NODE_OPTIONS: `--import=${FAULTS}` };
		const laden = await scenario.serve('tsa', signal === 'SIGHUP' ? 'info' : 'trace', env);
		laden.signal(signal);
		scenario.exits.set(signal, await laden.ended);
	}
	await travelOverTls(scenario);
	for (const service of SERVICE_NAMES) running.set(service, await scenario.serve(service, 'info'));
	await signInByPages(signIn, EMAIL, async () => undefined);
	const last = Array.from({ length: 4 }, () => certify(recorder, ca, key, { ...order, version: 2, where: 'body' }));
	await Promise.all([...[...running.values()].map((one) => one.end()), ...last]);
	await badServiceStarts(scenario);
}
