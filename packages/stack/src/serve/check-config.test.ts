/** What an operator is told of a configuration file before anything is started; and that editors and services agree. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Config, type InstanceFolder, makeInstanceFolder } from '../../test/serve/instance-folder.ts';
import { checkConfig } from './check-config.ts';
import { configJsonSchema } from './config-schema.ts';

const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');
const PASSWORD = 'pa55-of-the-database';

let folder: string;
let instance: InstanceFolder;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-check-'));
	instance = await makeInstanceFolder(folder, `postgres://chancery:${PASSWORD}@db.example/chancery`);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

/** A deep copy with one setting changed: `ca.listen.admin.port`; undefined removes it. */
function changed(path: string, value: unknown): Config {
	const copy = structuredClone(instance.config);
	const names = path.split('.');
	const last = names.pop() as string;
	let at = copy as Record<string, unknown>;
	for (const name of names) {
		at[name] ??= {};
		at = at[name] as Record<string, unknown>;
	}
	if (value === undefined) delete at[last];
	else at[last] = value;
	return copy;
}

async function fileOf(config: Config): Promise<string> {
	const path = join(folder, 'tried.yaml');
	await writeFile(path, JSON.stringify(config));
	return path;
}

// The judge: a validator of JSON Schema that is not ours.
const ajv = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true, strictRequired: false });
formats.default(ajv);
const validate = ajv.compile(configJsonSchema());

/** What both the schema and the services refuse. */
const BAD: readonly [what: string, path: string, value: unknown, words: RegExp][] = [
	['an unknown section', 'identiy', {}, /unknown section 'identiy'; did you mean 'identity'\?/],
	['an unknown key', 'ca.chainPen', 'x', /ca: unknown key 'chainPen'; did you mean 'chainPem'\?/],
	['an unknown listener', 'ca.listen.pubic', { port: 1 }, /ca\.listen: unknown key 'pubic'; did you mean 'public'\?/],
	['an unknown signing key', 'log.keys.v3', { uri: 'file:x' }, /log\.keys: unknown key 'v3'/],
	[
		'a misspelt port',
		'tsa.listen.public',
		{ prot: 1 },
		/tsa\.listen\.public: unknown key 'prot'; did you mean 'port'\?/,
	],
	['a port that is none', 'tsa.listen.public.port', 70_000, /tsa\.listen\.public\.port/],
	['a port in words', 'tsa.listen.public.port', 'http', /tsa\.listen\.public\.port/],
	['no signing key', 'ctlog.keys', {}, /ctlog\.keys\.signer: this service needs the key 'signer'/],
	['no listener', 'log.listen.v2', undefined, /log\.listen\.v2: this service needs the address for its listener 'v2'/],
	['no admin listener', 'tuf.listen.admin', undefined, /tuf\.listen\.admin/],
	['no address of its own', 'ca.publicUrl', undefined, /ca\.publicUrl/],
	['a secret as its value', 'identity.signingJwks', 'the keys', /identity\.signingJwks/],
	['a bad profile', 'profile', 'staging', /profile/],
	['an exception that is none', 'allow', ['plain-url'], /unknown exception 'plain-url'; did you mean 'plain-urls'\?/],
	['a bad level', 'logging', { level: 'loud' }, /logging\.level/],
	['a drain without end', 'process', { drainSeconds: 600 }, /process\.drainSeconds/],
	['a database that is none', 'database.url', 'mysql://db', /database\.url/],
	['no database', 'database', {}, /database\.url/],
	['an issuer of no type', 'ca.issuers', [{ type: 'emial', issuer: 'https://id.example' }], /ca\.issuers\.0/],
	['a section that is a list', 'tsa', ['x'], /section 'tsa' of .* must be a mapping/],
];
/** Of the form that the schema wants, and nothing to start with. */
const BAD_BEHIND_THE_FORM: typeof BAD = [
	['no mark', 'tsa.markFile', undefined, /tsa: one of markFile, markDatabase and .* is required/],
	[
		'two marks',
		'tsa.markDatabase',
		'postgres://marks.example/m',
		/tsa: one of markFile, markDatabase and .* is required/,
	],
	[
		'a chain that is not there',
		'ca.chainPem',
		{ file: 'no.pem' },
		/ca\.chainPem: the file .*\/no\.pem cannot be read \(ENOENT\)/,
	],
	['a secret that is not there', 'identity.signingJwks', { env: 'NOWHERE' }, /environment variable NOWHERE is not set/],
	['an issuer twice', 'ca.issuers', Array(2).fill({ type: 'email', issuer: 'https://id.example' }), /listed twice/],
];

describe('a bad file', () => {
	it.each(BAD)('with %s is refused by the services and marked in editors', async (_what, path, value, words) => {
		const config = changed(path, value);
		const { isUsable, problems, settings } = await checkConfig(await fileOf(config), []);
		expect([isUsable, settings]).toEqual([false, []]);
		expect(problems.join('\n')).toMatch(words);
		expect(validate(config)).toBe(false);
	});

	it.each(BAD_BEHIND_THE_FORM)('with %s has the form, and is refused', async (_what, path, value, words) => {
		const config = changed(path, value);
		const { isUsable, problems } = await checkConfig(await fileOf(config), []);
		expect(isUsable).toBe(false);
		expect(problems.join('\n')).toMatch(words);
		expect([validate(config), validate.errors]).toEqual([true, null]);
	});

	it('is told of all its problems at once', async () => {
		const config = changed('ca.chainPen', 'x');
		(config.tsa as Record<string, unknown>).accuracySeconds = 0;
		const { problems } = await checkConfig(await fileOf(config), []);
		expect(problems).toEqual([expect.stringContaining("'chainPen'"), expect.stringContaining('tsa.accuracySeconds')]);
	});
});

describe('a good file', () => {
	it('passes both', async () => {
		const { isUsable, problems, services } = await checkConfig(instance.configFile, []);
		expect({ isUsable, problems }).toEqual({ isUsable: true, problems: [] });
		expect(services).toEqual(['identity', 'ca', 'log', 'ctlog', 'tsa', 'tuf']);
		expect([validate(instance.config), validate.errors]).toEqual([true, null]);
	});

	it('may have what no service needs: a listener for probes, and how the process ends', async () => {
		const config = { ...changed('tsa.listen.probe', { port: 0 }), process: { drainSeconds: 5 } };
		const { isUsable, settings } = await checkConfig(await fileOf(config), []);
		expect([isUsable, validate(config), validate.errors]).toEqual([true, true, null]);
		expect(settings).toContainEqual({ path: 'process.drainSeconds', value: 5, from: 'file' });
	});

	it('says of each setting where it comes from, and no secret', async () => {
		vi.stubEnv('CHANCERY_TSA__ACCURACY_SECONDS', '2');
		const { settings } = await checkConfig(instance.configFile, []);
		const setting = (path: string) => settings.find((one) => one.path === path);
		expect(setting('profile')).toMatchObject({ value: 'development', from: 'file' });
		expect(setting('allow')).toMatchObject({ value: [], from: 'default' });
		expect(setting('database.url')?.value).toBe('postgres://chancery:[redacted]@db.example/chancery');
		expect(setting('database.maxConnections')).toMatchObject({ value: 10, from: 'default' });
		expect(setting('tsa.accuracySeconds')).toEqual({
			path: 'tsa.accuracySeconds',
			value: 2,
			from: 'environment',
			variable: 'CHANCERY_TSA__ACCURACY_SECONDS',
		});
		// Relative to the file, wherever the command was started.
		expect(setting('ca.chainPem')).toMatchObject({ value: { file: join(folder, 'ca.chain.pem') }, from: 'file' });
		expect(setting('ca.keys.issuing.uri')?.value).toBe(`file:${join(folder, 'keys/ca-issuing.pem')}`);
		expect(setting('identity.signingJwks')?.value).toEqual({ file: join(folder, 'keys/identity.jwks.json') });
		expect(setting('tuf.services.0.bearer')?.value).toEqual({ file: join(folder, 'service-token') });
		expect(JSON.stringify(settings)).not.toMatch(/pa55|operator-token|development-token-of|"kty"/);
	});

	it('is about the named services alone', async () => {
		const file = await fileOf(changed('ca.chainPen', 'x'));
		const { isUsable, settings, services } = await checkConfig(file, ['tsa']);
		expect([isUsable, services]).toEqual([true, ['tsa']]);
		expect(settings.filter(({ path }) => path.startsWith('ca.'))).toEqual([]);
	});

	it('in production shows every finding, and passes when all are allowed by name', async () => {
		const production = changed('profile', 'production');
		const refused = await checkConfig(await fileOf(production), []);
		expect(refused.isUsable).toBe(false);
		const names = new Set(refused.findings.map(({ exception }) => exception));
		expect([...names].sort()).toEqual(
			[
				'development-data',
				'development-login',
				'plain-database',
				'plain-issuers',
				'plain-urls',
				'unencrypted-keys',
			].sort(),
		);
		const allowed = await checkConfig(await fileOf({ ...production, allow: [...names] }), []);
		expect([allowed.isUsable, allowed.findings.every(({ isAllowed }) => isAllowed)]).toEqual([true, true]);
	});
});

describe('the command', () => {
	async function chancery(...args: string[]) {
		const run = promisify(execFile)(CHANCERY, args, { env: { PATH: process.env.PATH } });
		return run.then(
			({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
			({ code, stdout, stderr }) => ({ code, stdout, stderr }),
		);
	}

	it('prints settings to standard output, and ends with 0', async () => {
		const { code, stdout, stderr } = await chancery('config', 'check', '--config', instance.configFile);
		expect(code).toBe(0);
		expect(stdout).toContain('\ndatabase.maxConnections = 10  (default)\n');
		expect(stderr).toMatch(/can be used by identity, ca, log, ctlog, tsa, tuf\n$/);
		expect(stdout + stderr).not.toContain(PASSWORD);
	});

	it('ends with 78 when services would refuse the file, with one line for each reason', async () => {
		const file = await fileOf(changed('ca.chainPen', 'x'));
		const { code, stdout, stderr } = await chancery('config', 'check', '--config', file);
		expect([code, stdout]).toEqual([78, '']);
		expect(stderr).toMatch(/^error: ca: unknown key 'chainPen'; did you mean 'chainPem'\?\n.* cannot be used\n$/);
		const json = await chancery('config', 'check', '--config', file, '--json');
		expect([json.code, JSON.parse(json.stdout).isUsable]).toEqual([78, false]);
	});

	it("names production's findings with what would allow them", async () => {
		const file = await fileOf(changed('profile', 'production'));
		const { code, stderr } = await chancery('config', 'check', 'tsa', '--config', file);
		expect(code).toBe(78);
		expect(stderr).toContain(
			"error: tsa.keys.signer: the key file lies in the clear; encrypt it (PKCS#8) (to allow it: 'unencrypted-keys')\n",
		);
	});

	it('prints the schema that editors read', async () => {
		const { code, stdout } = await chancery('config', 'schema');
		expect([code, JSON.parse(stdout)]).toEqual([0, configJsonSchema()]);
	});

	it('prints its version', async () => {
		const { code, stdout } = await chancery('version', '--json');
		expect([code, JSON.parse(stdout).node]).toEqual([0, process.versions.node]);
	});
});

it('the schema explains every setting that a service documents', () => {
	const undescribed: string[] = [];
	const visit = (path: string, node: unknown): void => {
		if (typeof node !== 'object' || node === null) return;
		const { properties, items, anyOf, oneOf } = node as {
			properties?: Record<string, { description?: string }>;
			items?: unknown;
			anyOf?: unknown[];
			oneOf?: unknown[];
		};
		for (const part of [items, ...(anyOf ?? []), ...(oneOf ?? [])]) visit(path, part);
		for (const [name, child] of Object.entries(properties ?? {})) {
			// `{ file }` and `{ env }` are explained by the setting that they stand for.
			if (child.description === undefined && !/^(file|env|type)$/.test(name)) undescribed.push(`${path}.${name}`);
			visit(`${path}.${name}`, child);
		}
	};
	visit('', configJsonSchema());
	expect(undescribed).toEqual([]);
});
