import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { captureLog } from '../../test/captured-log.ts';
import { ConfigError, loadConfig, parseSection } from './config.ts';
import { Secret, secret } from './secret.ts';

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
	const path = join(folder, 'chancery.yaml');
	writeFileSync(path, text);
	return path;
}

describe('a configuration file', () => {
	it('is read section by section', async () => {
		const path = file('ca:\n  publicUrl: http://localhost:7402\n  listen: { public: { port: 7402 } }\ntsa:\n');
		expect((await loadConfig(path, {})).sections).toEqual({
			ca: { publicUrl: 'http://localhost:7402', listen: { public: { port: 7402 } } },
			tsa: {},
		});
	});

	it('may be empty', async () => {
		const instance = { profile: 'production', allow: [] };
		expect(await loadConfig(file('# nothing\n'), {})).toEqual({ instanceKeys: [], instance, sections: {} });
	});

	it('says at the top what the instance is for, and the environment may say otherwise', async () => {
		const path = file('profile: development\nallow: [plain-urls]\nca: {}\n');
		expect((await loadConfig(path, {})).instance).toEqual({ profile: 'development', allow: ['plain-urls'] });
		const env = { CHANCERY_PROFILE: 'production', CHANCERY_ALLOW: '[unencrypted-keys, exposed-admin]' };
		expect((await loadConfig(path, env)).instance).toEqual({
			profile: 'production',
			allow: ['unencrypted-keys', 'exposed-admin'],
		});
	});

	it.each<[string, readonly string[]]>([
		['', ['plain-urls']],
		[' ', ['plain-urls']],
		['[]', []],
		['exposed-admin', ['exposed-admin']],
		['exposed-admin, unencrypted-keys', ['exposed-admin', 'unencrypted-keys']],
		['[exposed-admin]', ['exposed-admin']],
	])('allows what CHANCERY_ALLOW=%s names; an empty variable is none', async (value, allow) => {
		const path = file('profile: development\nallow: [plain-urls]\n');
		const env = { CHANCERY_PROFILE: '', CHANCERY_ALLOW: value };
		expect((await loadConfig(path, env)).instance).toEqual({ profile: 'development', allow });
	});

	it.each([
		['exposed-admin,plain-url', /unknown exception 'plain-url'; did you mean 'plain-urls'/],
		['exposed-admin,', /unknown exception ''/],
		['7', /allow: expected a list of names: \[plain-urls, plain-calls\]/],
	])('is refused with CHANCERY_ALLOW=%s', async (value, words) => {
		await expect(loadConfig(file(''), { CHANCERY_ALLOW: value })).rejects.toThrow(words);
	});

	it.each([
		['a profile of a section', 'log: { profile: development }', /log\.profile: remove it; one 'profile' at the top/],
		[
			'requireEncrypted',
			'tsa: { keys: { signer: { uri: "file:x", requireEncrypted: true } } }',
			/tsa\.keys\.signer\.requireEncrypted: .*'unencrypted-keys'/,
		],
		[
			'allowEveryone',
			'ca: { issuers: [{ issuer: x }, { issuer: y, allowEveryone: true }] }',
			/ca\.issuers\.1\.allowEveryone: .*'global-issuers'/,
		],
	])('of an earlier version with %s is told what to write instead', async (_what, text, words) => {
		await expect(loadConfig(file(text), {})).rejects.toThrow(words);
	});

	it.each([
		['an unknown profile', 'profile: staging', /profile: /],
		['an unknown exception', 'allow: [plain-url]', /allow: unknown exception 'plain-url'; did you mean 'plain-urls'/],
		['an exception that is no list', 'allow: plain-urls', /allow: expected a list of names: \[/],
	])('is refused with %s', async (_what, text, words) => {
		await expect(loadConfig(file(text), {})).rejects.toThrow(words);
		await expect(loadConfig(file(text), {})).rejects.toBeInstanceOf(ConfigError);
	});

	it.each<[string, string, RegExp]>([
		['not YAML', 'ca: [1', /:\d+ is not valid YAML/],
		['with a key twice', 'ca:\n  a: 1\n  a: 2\n', /:3 is not valid YAML/],
		['a list', '- ca\n', /must be a mapping/],
		['with a section that is a value', 'ca: 7\n', /section 'ca'.*must be a mapping/],
		['with an unknown tag', 'ca:\n  a: !secret x\n', /not valid YAML/],
		[
			'a bomb of aliases',
			`a: &a [1,1,1,1,1,1,1,1,1]\n${'bcdefgh'
				.split('')
				.map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`)
				.join('\n')}\n`,
			/too many aliases|must be a mapping/,
		],
		['too long', `# ${'x'.repeat(1_100_000)}`, /longer than/],
	])('that is %s is refused', async (_, text, words) => {
		const error = await loadConfig(file(text), {}).catch((cause: unknown) => cause);
		expect(error).toBeInstanceOf(ConfigError);
		expect((error as Error).message).toMatch(words);
	});

	it('is not quoted when it is refused', async () => {
		const error = await loadConfig(file('database:\n  url: "hunter2\n'), {}).catch((cause: unknown) => cause);
		expect(inspect(error)).not.toContain('hunter2');
	});

	it('that is not there is refused by its name', async () => {
		await expect(loadConfig(join(folder, 'none.yaml'), {})).rejects.toThrow(/none\.yaml cannot be read \(ENOENT\)/);
	});
});

describe('an environment variable', () => {
	it.each<[string, string, unknown]>([
		['CHANCERY_CA__PUBLIC_URL', 'https://ca.example', { ca: { publicUrl: 'https://ca.example', keep: 1 } }],
		['CHANCERY_CA__LISTEN__PUBLIC__PORT', '8080', { ca: { keep: 1, listen: { public: { port: 8080 } } } }],
		['CHANCERY_CA__NAME', '"8080"', { ca: { keep: 1, name: '8080' } }],
		['CHANCERY_CA__LIST', '[a, b]', { ca: { keep: 1, list: ['a', 'b'] } }],
		['CHANCERY_CA__KEEP', 'true', { ca: { keep: true } }],
		['CHANCERY_NEW_SECTION__A', 'x', { ca: { keep: 1 }, newSection: { a: 'x' } }],
		['CHANCERY_CONFIG', 'x', { ca: { keep: 1 } }],
		['OTHER_CA__KEEP', 'x', { ca: { keep: 1 } }],
	])('%s=%s overrides what it names', async (name, value, expected) => {
		const { sections } = await loadConfig(file('ca: { keep: 1 }'), { [name]: value });
		expect(sections).toEqual(expected);
	});

	it.each<[string, string]>([
		['CHANCERY_CA__KEEP__DEEPER', 'x'],
		['CHANCERY_CA__A', '[1'],
		['CHANCERY_CA__A', '*alias'],
		['CHANCERY_CA____A', 'x'],
	])('%s=%s is refused by its name', async (name, value) => {
		const error = await loadConfig(file('ca: { keep: 1 }'), { [name]: value }).catch((cause: unknown) => cause);
		expect(error).toBeInstanceOf(ConfigError);
		expect((error as Error).message).toContain(name);
	});

	it('cannot reach a prototype', async () => {
		await loadConfig(file('ca: { __proto__: { polluted: 1 } }'), { CHANCERY_PROTO__A: 'x' });
		expect(({} as Record<string, unknown>).polluted).toBeUndefined();
	});
});

describe('a section', () => {
	const schema = z
		.strictObject({
			publicUrl: z.url(),
			port: z.int().default(1),
			admin: z.strictObject({ tokens: z.array(z.strictObject({ name: z.string(), sha256: z.string() })) }).optional(),
			keys: z.record(z.string(), z.strictObject({ uri: z.string() })).prefault({}),
		})
		.readonly();

	it('is what its schema makes of it', () => {
		expect(parseSection('ca', schema, { publicUrl: 'http://a' })).toEqual({ publicUrl: 'http://a', port: 1, keys: {} });
	});

	it.each<[string, object, RegExp[]]>([
		[
			'at the top',
			{ publicUrl: 'http://a', publicURI: 1 },
			[/ca: unknown key 'publicURI'; did you mean 'publicUrl'\?/],
		],
		[
			'below',
			{ publicUrl: 'http://a', admin: { token: [] } },
			[/ca\.admin: unknown key 'token'; did you mean 'tokens'/],
		],
		[
			'in a list',
			{ publicUrl: 'http://a', admin: { tokens: [{ name: 'a', sha265: '' }] } },
			[/ca\.admin\.tokens\.0: unknown key 'sha265'; did you mean 'sha256'/],
		],
		[
			'in a record',
			{ publicUrl: 'http://a', keys: { main: { url: 'x' } } },
			[/ca\.keys\.main: unknown key 'url'; did you mean 'uri'/],
		],
		[
			'that is like none',
			{ publicUrl: 'http://a', somethingElse: 1 },
			[/unknown key 'somethingElse'; known are: admin, keys, port, publicUrl/],
		],
		['several at once', { publicUrl: 3, prot: 1 }, [/ca\.publicUrl: /, /unknown key 'prot'; did you mean 'port'/]],
		['of a prototype', JSON.parse('{"publicUrl":"http://a","__proto__":{"x":1}}'), [/unknown key '__proto__'/]],
	])('refuses unknown keys by the nearest known one: %s', (_, value, words) => {
		try {
			parseSection('ca', schema, value);
			expect.unreachable();
		} catch (error) {
			expect(error).toBeInstanceOf(ConfigError);
			for (const word of words) expect((error as Error).message).toMatch(word);
		}
	});

	it('that lacks something says what', () => {
		const schema = z.strictObject({ name: z.string(), port: z.int() });
		expect(() => parseSection('ca', schema, { port: 'x' })).toThrow(
			/ca\.name: is missing; expected string\n.*ca\.port: Invalid input: expected number, received string/,
		);
	});

	it('that is absent is read as empty', () => {
		expect(() => parseSection('ca', schema, undefined)).toThrow(/ca\.publicUrl/);
	});
});

describe('a secret', () => {
	const env = { DB_PASSWORD: 'hunter2', EMPTY: '' };
	const schema = z.strictObject({ password: secret(env) });

	it('comes from a file, without its last line end, or from the environment', () => {
		const path = join(folder, 'secret');
		writeFileSync(path, 'hunter3 \n');
		expect(parseSection('db', schema, { password: { file: path } }).password.reveal()).toBe('hunter3 ');
		expect(parseSection('db', schema, { password: { env: 'DB_PASSWORD' } }).password.reveal()).toBe('hunter2');
	});

	it.each<[unknown, RegExp]>([
		['hunter2', /db\.password: a secret is written as \{ file: PATH \} or \{ env: NAME \}/],
		[{ env: 'DB_PASSWORD', file: 'x' }, /db\.password: a secret is written/],
		[{ env: 'ABSENT' }, /db\.password: the environment variable ABSENT is not set/],
		[{ env: 'EMPTY' }, /EMPTY is empty/],
		[{ file: '/nowhere/at/all' }, /the file \/nowhere\/at\/all cannot be read \(ENOENT\)/],
	])('is refused when it is written as %j', (value, words) => {
		expect(() => parseSection('db', schema, { password: value })).toThrow(words);
		expect(() => parseSection('db', schema, { password: value })).not.toThrow(/hunter2/);
	});

	it('does not print itself', () => {
		const { password } = parseSection('db', schema, { password: { env: 'DB_PASSWORD' } });
		const { logger, lines } = captureLog();
		logger.info({ setting: { value: password } }, `it is ${password}`);
		const shown = [
			JSON.stringify({ password }),
			inspect({ password }),
			String(password),
			`${password}`,
			lines.join(''),
		];
		for (const text of shown) expect(text).not.toContain('hunter2');
		expect(password).toBeInstanceOf(Secret);
	});
});
