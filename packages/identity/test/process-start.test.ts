/** Whether a process starts at all: where the development login may be offered, and who may open the data that it left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '@chancery/chassis/config/config-error';
import { refuseFindings } from '@chancery/chassis/config/production';
import { readProcessSettings, staticFindings } from '@chancery/chassis/process/process-settings';
import { createTestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identity } from '../src/definition.ts';
import { storedFindings } from '../src/domain/stored-findings.ts';
import { generateSigningJwks } from '../src/generate-jwks.ts';
import { migrateSchema } from '../src/store/migrations.ts';
import { recordOrigin } from '../src/store/origin.ts';
import { TEST_SECRET } from './identity-server.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const LOCAL = 'http://localhost:7401';
const PUBLIC = 'https://id.example.com';

let folder: string;
let jwks: string;
let test: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-identity-'));
	jwks = JSON.stringify(await generateSigningJwks());
	test = await createTestDatabase();
	await migrateSchema(test.database);
});
afterAll(async () => {
	await test.drop();
	rmSync(folder, { recursive: true });
});
beforeEach(async () => {
	await test.database.query('delete from identity.origin');
	await test.database.query('delete from identity.accounts');
});

interface Case {
	readonly profile: 'development' | 'production';
	readonly allow?: readonly string[];
	readonly login?: boolean | 'with-secret';
	readonly secret?: boolean;
	readonly host?: string;
	readonly publicUrl?: string;
}

interface Outcome {
	readonly exitCode: number | undefined;
	readonly log: string;
}

/** Runs the service until it listens, and ends it then, or until it ends itself. */
async function start(settings: Case): Promise<Outcome> {
	const child: ChildProcess = spawn(process.execPath, [MAIN, '--config', writeConfig(settings)], {
		env: { PATH: process.env.PATH, JWKS: jwks, SECRET: TEST_SECRET },
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	let log = '';
	let hasListened = false;
	child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
		log += chunk;
		if (!/"url":/.test(log) || hasListened) return;
		hasListened = true;
		child.kill('SIGTERM');
	});
	const [code] = await once(child, 'close');
	return { exitCode: hasListened ? undefined : (code as number), log };
}

/** Returns its path. */
function writeConfig({ profile, allow = [], login = false, secret, host = '127.0.0.1', publicUrl }: Case): string {
	const config = join(folder, 'chancery.json');
	// JSON is YAML.
	writeFileSync(
		config,
		JSON.stringify({
			profile,
			// A plain address and a plain listener have rules of their own.
			allow: profile === 'production' ? ['plain-urls', 'plain-listeners', ...allow] : [],
			database: { url: test.url },
			identity: {
				publicUrl: publicUrl ?? LOCAL,
				developmentLogin: login,
				signingJwks: { env: 'JWKS' },
				...(secret ? { developmentSecret: { env: 'SECRET' } } : {}),
				listen: { public: { host, port: 0 }, admin: { host: '127.0.0.1', port: 0 } },
			},
		}),
	);
	return config;
}

/** What `serve` does before anything is opened. Returns what refused the settings. */
async function judge(settings: Case): Promise<string | undefined> {
	try {
		const { instance, ...rest } = await readProcessSettings([identity], writeConfig(settings));
		refuseFindings(instance, await staticFindings({ instance, ...rest }));
		return undefined;
	} catch (error) {
		if (error instanceof ConfigError) return error.message;
		throw error;
	}
}

const COMBINATIONS: readonly Required<Case>[] = (['development', 'production'] as const).flatMap((profile) =>
	([false, true, 'with-secret'] as const).flatMap((login) =>
		[false, true].flatMap((secret) =>
			['127.0.0.1', 'localhost', '::1', '0.0.0.0', '::', 'id.example.com'].flatMap((host) =>
				[LOCAL, 'http://127.0.0.1:7401', 'http://localhost.example.com', PUBLIC].flatMap((publicUrl) =>
					[[], ['development-login']].map((allow) => ({ profile, login, secret, host, publicUrl, allow })),
				),
			),
		),
	),
);

describe('the development login', () => {
	beforeAll(() => {
		process.env.JWKS = jwks;
		process.env.SECRET = TEST_SECRET;
	});

	it('passes in each combination of settings exactly where the rules let it', async () => {
		const isHere = (text: string) => ['127.0.0.1', 'localhost', '::1'].includes(text);
		const outcomes = { refused: 0, passed: 0 };
		for (const settings of COMBINATIONS) {
			const { profile, login, secret, host, publicUrl, allow } = settings;
			const isReachable = !isHere(host) || !isHere(new URL(publicUrl).hostname);
			const isOffered = login !== false || secret;
			const words = [
				...(login === true && isReachable ? ['write with-secret'] : []),
				...(profile === 'production' && isOffered && allow.length === 0 ? ["('development-login')"] : []),
			];
			const refusal = await judge(settings);
			const context = JSON.stringify(settings);
			if (words.length === 0) expect(refusal, context).toBeUndefined();
			else expect(refusal, context).toContain(words[0]);
			outcomes[refusal === undefined ? 'passed' : 'refused']++;
		}
		expect(outcomes).toEqual({ refused: 228, passed: 348 });
	});

	it('starts on loopback without a secret', async () => {
		const { exitCode, log } = await start({ profile: 'development', login: true });
		expect(exitCode, log).toBeUndefined();
	});

	it.each<[string, Case, RegExp]>([
		['beyond loopback', { profile: 'development', login: true, host: '0.0.0.0' }, /listen\.public is 0\.0\.0\.0/],
		['in production', { profile: 'production', login: true }, /identity\.developmentLogin.*'development-login'/],
		['without the secret that it needs', { profile: 'development', login: 'with-secret' }, /needs a developmentSecret/],
	])('%s: the process exits before it listens', async (_where, settings, words) => {
		const { exitCode, log } = await start(settings);
		expect(exitCode, log).toBe(78);
		expect(log).toMatch(words);
	});
});

describe('the data of the identity provider', () => {
	const origin = async () =>
		(await test.database.query<{ profile: string }>('select profile from identity.origin'))[0]?.profile;
	const signIn = (validFor: string) =>
		test.database.query(
			`insert into identity.accounts values ('sub', 'http://localhost:7401/auth', 'a@b.c', 'a@b.c', true, now() + $1::interval)`,
			[validFor],
		);

	const accept = { log: expect.any(String), exitCode: undefined };

	it('is marked by the first profile that opens it, for good', async () => {
		expect(await start({ profile: 'development' })).toEqual(accept);
		expect(await origin()).toBe('development');
		const refused = await start({ profile: 'production' });
		expect(refused.exitCode, refused.log).toBe(78);
		expect(refused.log).toMatch(/identity\.origin.*'development-data'/);
		expect(await start({ profile: 'production', allow: ['development-data'] })).toEqual(accept);
		expect(await origin()).toBe('development');
	});

	it('stays that of production when a development instance opens it later', async () => {
		await recordOrigin(test.database, 'production');
		await recordOrigin(test.database, 'development');
		expect(await storedFindings(test.database)).toEqual([]);
	});

	it('from before the mark is refused while it has sign-ins that only the development login can have made', async () => {
		await signIn('1 hour');
		const [finding, ...others] = await storedFindings(test.database);
		expect([finding?.exception, others]).toEqual(['development-login', []]);
		expect((await start({ profile: 'production' })).exitCode).toBe(78);
		expect(await origin()).toBeUndefined();
	});

	it('from before the mark is taken when these have expired', async () => {
		await signIn('-1 second');
		expect(await storedFindings(test.database)).toEqual([]);
	});

	it('that is marked as production may have sign-ins', async () => {
		await recordOrigin(test.database, 'production');
		await signIn('1 hour');
		expect(await storedFindings(test.database)).toEqual([]);
	});
});
