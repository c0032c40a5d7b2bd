/**
 * The scenario of all secrets with `chancery up` as any user starts it, with its embedded database: first with every log line switched
 * on; then, after a crash of the database, restarted with the default ones.
 */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '@chancery/postgres/pool';
import { freePortBase } from '@chancery/testkit/free-port';
import { readLog, signToken } from '../inputs/subject.ts';
import { CHANCERY } from '../judges/running-instance.ts';
import { misplace, type Target } from './misplaced.ts';
import { PORTS } from './port-range.ts';
import { ProcessWatch, RecordedProcess } from './recorded-process.ts';
import { Recorder } from './recorder.ts';
import { filesBelow, modeOf, rowsOf, type SearchedPlace } from './searched-places.ts';
import { SecretRegistry } from './secret-registry.ts';
import { basic, type SignInDeps, signInByPages, signInOnDevice, token } from './sign-in.ts';
import { certify, clientKey, submitEntries } from './signing-requests.ts';

const EPHEMERAL_KEYS = join(import.meta.dirname, 'ephemeral-keys.ts');
const EMAIL = 'alice@example.com';

export class InstanceScenario {
	readonly base: string;
	readonly registry = new SecretRegistry();
	readonly recorder = new Recorder();
	readonly watch = new ProcessWatch();
	readonly processes: RecordedProcess[] = [];
	/** Rows from the middle of the scenario. */
	readonly kept: SearchedPlace[] = [];
	/** Exit codes of commands. */
	readonly exits = new Map<string, number | string>();
	/** Folder of the database's socket, and its mode while it existed. */
	runtimeDir = '';
	runtimeDirMode = '';
	/** Permissions as the instance itself set them, by path below the data folder. */
	readonly modes = new Map<string, string>();
	#portBase = 0;
	readonly #outside: string;

	private constructor(base: string, outside: string) {
		this.base = base;
		this.#outside = outside;
	}

	static async begin(): Promise<InstanceScenario> {
		const base = await mkdtemp(join(tmpdir(), 'chancery-secrets-'));
		// The database server of root runs as another user, which must be able to enter.
		await chmod(base, 0o711);
		for (const folder of ['home', 'work', 'state', 'temporary']) await mkdir(join(base, folder));
		const scenario = new InstanceScenario(base, await mkdtemp(join(tmpdir(), 'chancery-secrets-keys-')));
		scenario.#portBase = await freePortBase(PORTS);
		scenario.watch.start();
		return scenario;
	}

	get data(): string {
		return join(this.base, 'data');
	}

	/** Starts a program of the scenario with an environment and folders that are searched afterwards. */
	spawn(name: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): RecordedProcess {
		const started = new RecordedProcess(name, command, {
			cwd: join(this.base, 'work'),
			env: {
				PATH: process.env.PATH,
				HOME: join(this.base, 'home'),
				XDG_STATE_HOME: join(this.base, 'state'),
				TMPDIR: join(this.base, 'temporary'),
				NODE_OPTIONS: `--import=${EPHEMERAL_KEYS}`,
				EPHEMERAL_KEYS_FILE: join(this.#outside, 'keys'),
				...env,
			},
		});
		this.processes.push(started);
		return started;
	}

	/** Runs a command to its end; returns its output. */
	async run(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
		const started = this.spawn(name, [CHANCERY, ...args], env);
		this.exits.set(name, await started.ended);
		return started.text('stdout').trim();
	}

	async up(name: string, env: NodeJS.ProcessEnv = {}): Promise<RecordedProcess> {
		// Child processes must not get the rest of the person's environment.
		const foreign = { CLOUD_PASSWORD: this.registry.addText('foreign secret', 'pa55-of-an0ther-program') };
		const command = [CHANCERY, 'up', '--data', this.data, '--port-base', String(this.#portBase)];
		const up = this.spawn(name, command, { ...foreign, ...env });
		await up.said(/^ready/m);
		const { runtimeDir } = await this.readJson('postgres/embedded.json');
		this.runtimeDir = runtimeDir as string;
		this.runtimeDirMode = await modeOf(this.runtimeDir);
		for await (const searched of filesBelow('socket', this.runtimeDir)) this.kept.push(searched);
		for (const path of [
			'.',
			'chancery.json',
			'chancery.log',
			'trust',
			'keys',
			'postgres/postgres.log',
			'postgres/cluster',
		])
			this.modes.set(path, await modeOf(join(this.data, path)));
		for (const name of await readdir(join(this.data, 'keys')))
			this.modes.set(`keys/${name}`, await modeOf(join(this.data, 'keys', name)));
		await this.learnSecrets();
		// Written when everything answers, and removed again by the next start.
		const place = 'file base/data/instance.json';
		this.kept.push({ place, bytes: await readFile(join(this.data, 'instance.json')), isDeep: true });
		return up;
	}

	/** Registers everything that the instance itself keeps secret. */
	async learnSecrets(): Promise<void> {
		const { secrets } = await this.readJson('chancery.json');
		for (const [name, secret] of Object.entries(secrets as Record<string, string>))
			this.registry.addText(`secret ${name}`, secret);
		const keys = join(this.data, 'keys');
		for (const name of await readdir(keys)) {
			const text = await readFile(join(keys, name), 'utf8');
			if (text.includes('PRIVATE KEY')) this.registry.addKey(`key ${name}`, text);
		}
		const jwks = await this.readJson('keys/identity.jwks.json');
		for (const [issuer, list] of Object.entries(jwks as Record<string, object[]>))
			for (const jwk of list)
				this.registry.addKey(`key of issuer ${issuer}`, createPrivateKey({ key: jwk as never, format: 'jwk' }));
	}

	async readJson(path: string): Promise<Record<string, unknown>> {
		return JSON.parse(await readFile(join(this.data, path), 'utf8')) as Record<string, unknown>;
	}

	/** Keeps the current rows, with sign-ins that are not finished. */
	async keepRows(moment: string): Promise<void> {
		const host = encodeURIComponent(this.runtimeDir);
		const database = openDatabase({
			url: `postgresql:///chancery?host=${host}&port=5432&user=chancery&sslmode=disable`,
			applicationName: 'searcher',
			maxConnections: 1,
		});
		try {
			for await (const searched of rowsOf(moment, database)) this.kept.push(searched);
		} finally {
			await database.close();
		}
	}

	/** Public and admin listeners, with the paths that take bodies. */
	targets(): Target[] {
		const urls = new Map<string, string>();
		for (const { msg, service, listener, url } of readLog(this.data))
			if (msg === 'listening') urls.set(`${service} ${listener}`, String(url).replace('127.0.0.1', 'localhost'));
		return [...urls].map(([name, url]) => ({ name, url, posts: POSTS[name] ?? [] }));
	}

	/** Registers the keys that only clients had, after the clients have ended. */
	async learnEphemeralKeys(): Promise<number> {
		const lines = (await readFile(join(this.#outside, 'keys'), 'utf8')).trimEnd().split('\n');
		for (const line of lines)
			this.registry.addKey('an ephemeral key', createPrivateKey({ key: JSON.parse(line), format: 'jwk' }));
		return lines.length;
	}

	async *searchedPlaces(): AsyncGenerator<SearchedPlace> {
		for (const { searchedPlaces } of [this.recorder, this.watch].map((one) => ({
			searchedPlaces: one.searchedPlaces(),
		})))
			yield* searchedPlaces;
		for (const one of this.processes) yield* one.searchedPlaces();
		yield* this.kept;
		yield* filesBelow('base', this.base);
	}

	async end(): Promise<void> {
		for (const one of this.processes) await one.end('SIGKILL').catch(() => undefined);
		await this.watch.stop();
		for (const folder of [this.base, this.#outside]) await rm(folder, { recursive: true, force: true });
	}
}

/** Paths of our listeners that take a body. */
export const POSTS: Readonly<Record<string, readonly string[]>> = {
	'identity public': ['/auth/token', '/auth/device/code', '/auth/device', '/development/token', '/auth/auth'],
	'ca public': ['/api/v1/signingCert', '/api/v2/signingCert'],
	'log v1': ['/api/v1/log/entries', '/api/v1/index/retrieve', '/api/v1/log/entries/retrieve'],
	'log v2': ['/api/v2/log/entries'],
	'ctlog public': ['/ct/v1/add-chain', '/ct/v1/add-pre-chain'],
	'tsa public': ['/api/v1/timestamp'],
	'ctlog admin': ['/admin/v1/roots', `/admin/v1/roots/${'0'.repeat(64)}/retire`],
	'tuf admin': ['/admin/v1/roots', '/admin/v1/proposals', '/admin/v1/targets'],
};

/** Everything that people and programs do with an instance, also by mistake. */
export async function runInstanceScenario(scenario: InstanceScenario): Promise<void> {
	const { registry, recorder, data } = scenario;
	const up = await scenario.up('first up', { CHANCERY_LOG_LEVEL: 'trace' });
	const { services, oidcIssuer: issuer } = (await scenario.readJson('instance.json')) as {
		services: Record<string, { url: string }>;
		oidcIssuer: string;
	};
	const url = (name: string) => services[name]?.url ?? '';
	const signIn: SignInDeps = { issuer, recorder, registry };

	// 1. Sign-ins, by pages and on a device, and mistakes with their codes.
	const tokens = await signInByPages(signIn, EMAIL, () => scenario.keepRows('with a code'));
	await signInOnDevice(signIn, EMAIL, () => scenario.keepRows('with a device code'));
	const secret = registry.addText('client secret', 'c1ient-5ecret-that-nobody-asked-f0r');
	const again = { grant_type: 'authorization_code', code: tokens.code, code_verifier: tokens.verifier };
	await token(signIn, again);
	await token(signIn, { ...again, client_secret: secret });
	await token(signIn, again, basic('sigstore', secret));
	await token(signIn, {
		grant_type: 'refresh_token',
		refresh_token: registry.addText('refresh token', `r${tokens.code}`),
	});
	await token(signIn, { grant_type: tokens.idToken });
	await token(signIn, { ...again, code: tokens.idToken });

	// 2. Certificates for the tokens, and the entries of their signatures; also with tokens that are refused.
	const key = clientKey(registry);
	const ca = url('ca');
	const order = { token: tokens.idToken, subject: EMAIL };
	await certify(recorder, ca, key, { ...order, version: 1, where: 'header' });
	await certify(recorder, ca, key, { ...order, version: 2, where: 'header' });
	await certify(recorder, ca, key, { ...order, version: 2, where: 'body' });
	await certify(recorder, ca, key, { ...order, version: 2, where: 'body', token: tokens.accessToken });
	for (const version of [1, 2] as const)
		await certify(recorder, ca, key, { ...order, version, where: 'header', isConfused: true });
	for (const refused of await refusedTokens(scenario, issuer))
		for (const where of ['header', 'body'] as const)
			await certify(recorder, ca, key, { version: 2, where, subject: EMAIL, token: refused });
	await submitEntries(recorder, { v1: url('log'), v2: url('log2') }, key);

	// 3. Our command, with tokens in the right and in the wrong places.
	await commands(scenario, issuer);

	// 4. Metrics, health and reports, for clients that may read them.
	const { secrets } = (await scenario.readJson('chancery.json')) as { secrets: Record<string, string> };
	const targets = scenario.targets();
	const authorization = `Bearer ${secrets.operator}`;
	for (const { name, url: at } of targets.filter(({ name }) => name.endsWith('admin')))
		for (const path of [
			'/metrics',
			'/healthz',
			'/readyz',
			'/admin/v1/trust',
			'/admin/v1/trust/v1',
			'/admin/v1/trust/v2',
		])
			await recorder.ask(`of ${name} ${path}`, at + path, { headers: { authorization } });

	// 5. Secrets in all wrong places of requests.
	const stray = clientKey(registry).export({ type: 'pkcs8', format: 'der' }).toString('base64url');
	for (const target of targets)
		for (const misplaced of [tokens.idToken, secrets.operator ?? '', stray])
			await misplace(recorder, target, misplaced);
	await scenario.keepRows('after all requests');
	for (const { name, url: at } of targets.filter(({ name }) => name.endsWith('admin')))
		await recorder.ask(`of ${name} /metrics`, `${at}/metrics`, { headers: { authorization } });

	// 6. The database ends while requests run, and the instance is started again with default logging.
	const pid = Number.parseInt(await readFile(join(data, 'postgres/cluster/postmaster.pid'), 'utf8'), 10);
	const inFlight = Array.from({ length: 8 }, () => certify(recorder, ca, key, { ...order, version: 2, where: 'body' }));
	process.kill(pid, 'SIGKILL');
	await Promise.all(inFlight);
	await certify(recorder, ca, key, { ...order, version: 2, where: 'header' });
	await token(signIn, again);
	await submitEntries(recorder, { v1: url('log'), v2: url('log2') }, clientKey(registry));
	await up.end();
	const second = await scenario.up('second up');
	await signInByPages(signIn, EMAIL, () => scenario.keepRows('after a restart'));
	const last = Array.from({ length: 4 }, () => certify(recorder, ca, key, { ...order, version: 2, where: 'body' }));
	await Promise.all([second.end(), ...last]);
	await scenario.learnEphemeralKeys();
	await badStarts(scenario);
}

/** Tokens in the name of the issuer that the authority must refuse. */
async function refusedTokens(scenario: InstanceScenario, issuer: string): Promise<string[]> {
	const { auth } = (await scenario.readJson('keys/identity.jwks.json')) as { auth: { kty: string; kid: string }[] };
	const jwk = auth.find(({ kty }) => kty === 'RSA');
	const issuerKey = { key: createPrivateKey({ key: jwk as never, format: 'jwk' }), kid: jwk?.kid ?? '' };
	const unknownKey = { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey, kid: issuerKey.kid };
	const now = Math.floor(Date.now() / 1000);
	const claims = (changed: object) => ({
		...{ iss: issuer, aud: 'sigstore', sub: EMAIL, email: EMAIL, email_verified: true },
		...{ iat: now, exp: now + 600, jti: crypto.randomUUID(), ...changed },
	});
	const good = signToken(claims({}), issuerKey);
	return [
		signToken(claims({ exp: now - 3600 }), issuerKey),
		signToken(claims({ nbf: now + 3600 }), issuerKey),
		signToken(claims({ aud: 'somebody-else' }), issuerKey),
		signToken(claims({ iss: 'https://somebody.example' }), issuerKey),
		signToken(claims({ email_verified: false }), issuerKey),
		signToken(claims({ email: 7 }), issuerKey),
		signToken(claims({ email: 'a\0b@example.com' }), issuerKey),
		signToken(claims({ filler: 'x'.repeat(9_000) }), issuerKey),
		signToken(claims({ filler: 'x'.repeat(20_000) }), issuerKey),
		signToken(claims({}), unknownKey),
		signToken(claims({}), issuerKey, { kid: 'unknown' }),
		`${good}.${good.split('.')[2]}`,
		`${good} `,
		good.slice(0, -30),
		good.split('.').slice(0, 2).join('.'),
	].map((one) => scenario.registry.addToken('refused token', one));
}

async function commands(scenario: InstanceScenario, issuer: string): Promise<void> {
	const { registry, base, data } = scenario;
	const file = join(base, 'work/artifact');
	const bundle = join(base, 'work/bundle.json');
	await writeFile(file, 'an artifact\n');
	const mint = async (name: string, ...args: string[]) => {
		const printed = await scenario.run(name, ['token', '--data', data, ...args]);
		return registry.addToken('development token', args.includes('--json') ? JSON.parse(printed).token : printed);
	};
	const minted = await mint('token', '--email', EMAIL);
	const printed = await mint('token --json', '--email', EMAIL, '--json');
	const sign = ['sign-blob', '--data', data, '--bundle', bundle];
	await scenario.run('sign-blob', [...sign, file], { SIGSTORE_ID_TOKEN: minted });
	await scenario.run('sign-blob --json', [...sign, '--json', file], { SIGSTORE_ID_TOKEN: `${printed}\n` });
	const predicate = join(base, 'work/predicate.json');
	await writeFile(predicate, '{"passed":true}');
	const attest = ['--predicate', predicate, '--type', 'https://example.com/test/v1', file];
	await scenario.run('attest-blob', ['attest-blob', '--data', data, '--bundle', `${bundle}.att`, ...attest], {
		SIGSTORE_ID_TOKEN: minted,
	});
	const whom = ['--certificate-identity', EMAIL, '--certificate-oidc-issuer', issuer];
	const verify = ['verify-blob', '--data', data, '--bundle', bundle, '--json'];
	await scenario.run('verify-blob', [...verify, ...whom, file]);
	await scenario.run('verify-blob, refused', [...verify, ...whom, predicate]);
	await scenario.run('log audit', ['log', 'audit', '--data', data]);

	// Tokens that cannot be used, from the environment, where only a message could reveal them.
	for (const [what, value] of [
		['of two lines', `${minted}\n${minted}`],
		['in quotes', `"${minted}"`],
		['with its scheme', `Bearer ${minted}`],
		['of four parts', `${minted}.${minted.split('.')[2]}`],
		['cut off', minted.slice(0, -40)],
		['in JSON', JSON.stringify({ token: minted })],
		['that is an opaque one', registry.addText('refused token', 'gho_16C7e42F292c6912E7710c838347Ae178B4a')],
	] as const)
		await scenario.run(`sign-blob, token ${what}`, [...sign, file], { SIGSTORE_ID_TOKEN: value });
	// On the command line, everyone who may list processes sees it. That is the caller's responsibility; the rest is ours.
	const shown = await mint('token for the command line', '--email', EMAIL);
	for (const [what, args] of [
		['a misspelt option', [...sign, `--identity-tokn=${shown}`, file]],
		['the token as a file', [...sign, shown]],
		['one argument too many', [...sign, file, shown]],
		['the token as a command', [shown]],
		['the token as claims', ['token', '--data', data, '--claims', shown]],
		['the token as an address', ['token', '--data', data, '--email', shown]],
		['the token as a port', ['up', '--data', join(base, 'none'), '--port-base', shown]],
		['the token as a bundle', ['verify-blob', '--data', data, '--bundle', shown, ...whom, file]],
	] as const)
		await scenario.run(`command with ${what}`, args);
}

/** Starts that fail, because secrets are broken or in the wrong place. */
async function badStarts(scenario: InstanceScenario): Promise<void> {
	const { base, registry, data } = scenario;
	const password = registry.addText('database password', 'pa55word-0f-the-database');
	const elsewhere = join(base, 'elsewhere');
	for (const [what, databaseUrl] of [
		['nobody answers', `postgres://chancery:${password}@127.0.0.1:9/chancery`],
		['that is no URL', `postgres://chancery:${password}@[::1/chancery`],
		['of another kind', `mysql://chancery:${password}@127.0.0.1/chancery`],
		['with a strange port', `postgres://chancery:${password}@127.0.0.1:port/chancery`],
	] as const)
		await scenario.run(`up, database ${what}`, ['up', '--data', elsewhere, '--port-base', '22980', '--once'], {
			DATABASE_URL: databaseUrl,
		});
	const broken = async (what: string, file: string, change: (text: string) => string, mode = 0o600) => {
		const path = join(data, file);
		const whole = await readFile(path, 'utf8');
		await writeFile(path, change(whole));
		await chmod(path, mode);
		await scenario.run(`up, ${what}`, ['up', '--data', data, '--once']);
		await writeFile(path, whole);
		await chmod(path, 0o600);
	};
	const spoil = (text: string, at: number) => `${text.slice(0, at)}!${text.slice(at + 1)}`;
	await broken('a record with the secret for a port', 'chancery.json', (text) => {
		const record = JSON.parse(text);
		return JSON.stringify({ ...record, portBase: record.secrets.operator });
	});
	await broken('a record that is only a secret', 'chancery.json', (text) => JSON.parse(text).secrets.operator);
	await broken('spoilt issuer keys', 'keys/identity.jwks.json', (text) => text.replace(/"d":"(.{20})/, '"d":"$1" '));
	await broken('an issuer key that is none', 'keys/identity.jwks.json', (text) =>
		text.replaceAll('"d":"', '"d":7,"of":"'),
	);
	await broken('a spoilt key', 'keys/ca-issuing.pem', (text) => spoil(text, 80));
	await broken('a cut key', 'keys/tsa.pem', (text) => text.slice(0, 120));
	await broken('a key with text around it', 'keys/log-v1.pem', (text) => `my key ${text} was here ${text}`);
	await broken('a key that others may read', 'keys/ctlog.pem', (text) => text, 0o644);
	await broken('a chain that is a key', 'keys/ca-chain.pem', () => bookPem(scenario));
	await chmod(join(data, 'keys/ca-chain.pem'), 0o644);
}

function bookPem(scenario: InstanceScenario): string {
	return String(clientKey(scenario.registry).export({ type: 'pkcs8', format: 'pem' }));
}
