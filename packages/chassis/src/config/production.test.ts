import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFileKey } from '@chancery/keys/file/file-key';
import { describe, expect, it } from 'vitest';
import { ConfigError } from './config-error.ts';
import { clearKeyFindings, databaseFindings, keyFindings, listenerFindings } from './process-findings.ts';
import { EXCEPTIONS, type Finding, instanceSchema, refuseFindings } from './production.ts';
import { Secret, secret } from './secret.ts';

const exceptionsOf = (findings: readonly Finding[]) => findings.map(({ exception }) => exception);

describe('the rule of production', () => {
	const findings: Finding[] = [
		{ exception: 'plain-database', where: 'database.url', found: 'no TLS' },
		{ exception: 'unencrypted-keys', where: 'log.keys.v1', found: 'in the clear' },
		{ exception: 'unencrypted-keys', where: 'log.keys.v2', found: 'in the clear' },
	];
	const refusal = (allow: string[]) => {
		try {
			refuseFindings(instanceSchema.parse({ allow }), findings);
			return undefined;
		} catch (error) {
			expect(error).toBeInstanceOf(ConfigError);
			return (error as Error).message;
		}
	};

	it('lists every finding, with the name that would allow it', () => {
		const message = refusal([]);
		expect(message).toContain('allow: [plain-database, unencrypted-keys]');
		for (const { where, exception } of findings) expect(message).toMatch(new RegExp(`${where}: .*'${exception}'`));
	});

	it('leaves out what is allowed, and refuses the rest', () => {
		const message = refusal(['unencrypted-keys']);
		expect(message).toContain('database.url');
		expect(message).not.toContain('log.keys');
		expect(refusal(['unencrypted-keys', 'plain-database'])).toBeUndefined();
	});

	it('is the default, and development passes', () => {
		expect(instanceSchema.parse({})).toEqual({ profile: 'production', allow: [] });
		refuseFindings(instanceSchema.parse({ profile: 'development' }), findings);
	});

	it('refuses a name that nobody knows, with the nearest', () => {
		const { error } = instanceSchema.safeParse({ allow: ['plain-databases', 'anything'] });
		expect(error?.issues.map(({ message }) => message)).toEqual([
			"unknown exception 'plain-databases'; did you mean 'plain-database'?",
			expect.stringContaining("unknown exception 'anything'; known are: "),
		]);
	});

	it('says in the README what each exception allows, and what the danger is', () => {
		const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
		const rows = readme.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
		for (const [name, { allows, danger }] of Object.entries(EXCEPTIONS))
			expect(rows).toContainEqual(['', `\`${name}\``, allows, danger, '']);
	});
});

describe('databases', () => {
	it.each([
		['postgres:///chancery?host=/run/postgresql', []],
		['postgres://me:pw@localhost/chancery', []],
		['postgres://me:pw@127.8.9.1:5433/chancery?sslmode=disable', []],
		['postgres://me:pw@[::1]/chancery', []],
		['postgres://me:pw@db.example/chancery?sslmode=verify-full', []],
		['postgres://me:pw@db.example/chancery?sslmode=require', []],
		['postgres://me:pw@db.example/chancery?ssl=true', []],
		['postgres://me:pw@db.example/chancery', ['plain-database']],
		['postgres://me:pw@db.example/chancery?sslmode=disable', ['plain-database']],
		['postgres://me:pw@db.example/chancery?sslmode=prefer', ['plain-database']],
		['postgres://me:pw@db.example/chancery?sslmode=allow', ['plain-database']],
		['postgres://me:pw@db.example/chancery?sslmode=no-verify', ['plain-database']],
		['postgres://me:pw@db.example/chancery?sslmode=require&uselibpqcompat=true', ['plain-database']],
		['postgres://me:pw@127.0.0.1/chancery?host=db.example', ['plain-database']],
		['postgres://me:pw@10.0.0.7/chancery?ssl=0', ['plain-database']],
	])('%s', (url, exceptions) => {
		expect(exceptionsOf(databaseFindings('database.url', url))).toEqual(exceptions);
		const hidden = databaseFindings('database.url', new Secret(url));
		expect(exceptionsOf(hidden)).toEqual(exceptions);
		expect(JSON.stringify(hidden)).not.toContain('pw');
	});

	it('are refused when a file that the URL names is not there, without the URL', () => {
		const url = 'postgres://me:pw@db.example/chancery?sslmode=verify-full&sslrootcert=/nothing/ca.pem';
		expect(() => databaseFindings('database.url', url)).toThrow(/^database\.url: .*cannot be read \(ENOENT\)$/);
	});
});

describe('listeners', () => {
	const tls = { certificateFile: 'c', keyFile: 'k' };
	it.each([
		['loopback', { public: { host: 'localhost', port: 1 }, admin: { host: '127.0.0.1', port: 2 } }, []],
		['all addresses', { public: { host: '0.0.0.0', port: 1 } }, ['plain-listeners']],
		['all addresses over TLS', { public: { host: '::', port: 1, tls } }, []],
		['a name', { public: { host: 'ca.example', port: 1 } }, ['plain-listeners']],
		['an admin listener for others', { admin: { host: '10.0.0.7', port: 2 } }, ['plain-listeners', 'exposed-admin']],
		['the same over TLS', { admin: { host: '10.0.0.7', port: 2, tls } }, ['exposed-admin']],
		[
			'the same for clients with a certificate',
			{ admin: { host: '::', port: 2, tls: { ...tls, clientCaFile: 'a' } } },
			[],
		],
		['a listener for probes', { probe: { host: '0.0.0.0', port: 3 } }, []],
	])('%s', (_what, listen, exceptions) => {
		expect(exceptionsOf(listenerFindings('ca', listen))).toEqual(exceptions);
	});
});

it('finds key files that lie in the clear, and leaves those that cannot be read to whoever opens them', async () => {
	const folder = await mkdtemp(join(tmpdir(), 'chancery-production-'));
	await createFileKey(join(folder, 'clear.pem'), 'ed25519');
	await createFileKey(join(folder, 'locked.pem'), 'ed25519', { passphrase: 'open' });
	const keys = Object.fromEntries(
		['clear', 'locked', 'missing'].map((name) => [name, { uri: `file:${join(folder, `${name}.pem`)}` }]),
	);
	const findings = await keyFindings('log', { ...keys, token: { uri: 'pkcs11:token=x' } });
	expect(findings.map(({ where, exception }) => [where, exception])).toEqual([['log.keys.clear', 'unencrypted-keys']]);
	await rm(folder, { recursive: true });
});

it('finds keys without an encrypted form that lie on a disk, and not those in memory or in the environment', async () => {
	// /tmp may be either.
	const onDisk = new URL('production.test.ts', import.meta.url).pathname;
	const inMemory = await mkdtemp('/dev/shm/chancery-production-');
	const file = join(inMemory, 'jwks');
	await writeFile(file, '{}', { mode: 0o600 });
	const schema = secret({ KEYS: '{}' });
	const findingsOf = (source: object) => clearKeyFindings('identity.signingJwks', schema.parse(source));
	try {
		expect(findingsOf({ file: onDisk })).toMatchObject([
			{
				exception: 'unencrypted-keys',
				where: 'identity.signingJwks',
				found: expect.stringContaining('LoadCredential'),
			},
		]);
		expect(findingsOf({ file })).toEqual([]);
		expect(findingsOf({ env: 'KEYS' })).toEqual([]);
		const gone = new Secret('{}', join(inMemory, 'gone'));
		expect(exceptionsOf(clearKeyFindings('identity.signingJwks', gone))).toEqual(['unencrypted-keys']);
	} finally {
		await rm(inMemory, { recursive: true });
	}
});
