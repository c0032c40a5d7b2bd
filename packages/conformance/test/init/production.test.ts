/**
 * The examples of `chancery init` for production, from answers to a signature that others verify: every command a process of
 * its own, over TLS, with an issuer and an authority that an organization has already. What the examples leave to the machine
 * (ports, database, folders) is replaced; nothing else.
 */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trustAuthorityFile } from '@chancery/net/tls-authorities';
import { freePortBase } from '@chancery/testkit/free-port';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Environment, mustRun, type RunningCommand, run } from './commands.ts';
import { type Organization, openOrganization } from './organization.ts';
import { serve, signAndVerify, writeAnswers } from './served-instance.ts';

const RANGE = { from: 21_000, to: 21_990 };
const CREATED = ['v1', 'v2', 'ctlog'].map((log) => `${log}: created, for production\n`).join('');

let folder: string;
let organization: Organization;
let env: Environment;
let portBase: number;
let adminPortBase: number;
const databases: TestDatabase[] = [];
const running: RunningCommand[] = [];

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-production-'));
	[portBase, adminPortBase] = await twoPortBases();
	// The first offset of an instance is of a service that is not there.
	organization = await openOrganization(folder, portBase);
	env = { SSL_CERT_FILE: organization.authorityFile, HOME: folder };
	trustAuthorityFile(organization.authorityFile, 'this test');
});
afterEach(async () => {
	for (const { kill, ended } of running.splice(0)) {
		kill('SIGTERM');
		expect(await ended).toMatchObject({ code: 0 });
	}
});
afterAll(async () => {
	await organization.close();
	for (const database of databases) await database.drop();
	await rm(folder, { recursive: true });
});

async function twoPortBases(): Promise<[number, number]> {
	const first = await freePortBase(RANGE);
	for (;;) {
		const second = await freePortBase(RANGE);
		if (second !== first) return [first, second];
	}
}

async function databaseUrl(): Promise<string> {
	const made = await createTestDatabase();
	databases.push(made);
	return made.url;
}

/** Makes the instance, twice: the second run finds everything done. */
async function init(answers: string, instance: string): Promise<string> {
	const order = ['init', '--answers', answers, '--out', instance, '--json'];
	const made = await mustRun(env, ...order);
	expect(await mustRun(env, ...order)).toBe(made);
	return JSON.parse(made).fingerprint as string;
}

async function begin(config: string, more: Environment = {}): Promise<string> {
	await mustRun({ ...env, ...more }, 'migrate', '--config', config);
	return mustRun({ ...env, ...more }, 'log', 'create', '--config', config);
}

/** Paths below a folder of the files that hold such words. */
async function filesWith(words: RegExp, path: string): Promise<string[]> {
	const entries = await readdir(path, { recursive: true, withFileTypes: true });
	const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
	const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
	return files.filter((_, i) => words.test(texts[i] as string));
}

it('one host', { timeout: 300_000 }, async () => {
	const place = join(folder, 'one');
	const [instance, answers] = [join(place, 'instance'), join(place, 'answers.yaml')];
	await mkdir(join(place, 'marks'), { recursive: true });
	const replaced = { database: { url: await databaseUrl() }, marks: { folder: join(place, 'marks') } };
	await writeAnswers(answers, 'one-host', { portBase, adminPortBase, organization, replaced });

	const fingerprint = await init(answers, instance);
	const config = join(instance, 'chancery.yaml');
	await mustRun(env, 'config', 'check', '--config', config);
	expect(await begin(config)).toBe(CREATED);
	running.push(await serve(env, config));
	const published = JSON.parse(await mustRun(env, 'trust', 'publish', '--instance', instance, '--json'));
	expect(published).toMatchObject({ fingerprint, isChange: true });
	await signAndVerify(env, { instance, folder: place, organization });
	// Nobody but the keyholder needs them from now on.
	await rm(join(instance, 'offline'), { recursive: true });
	await signAndVerify(env, { instance, folder: place, organization });

	expect(await filesWith(/development/i, instance)).toEqual([]);
	expect(await filesWith(/BEGIN (EC )?PRIVATE KEY/, instance)).toEqual([]);
});

it('one host that a PKI of the organization certifies', { timeout: 300_000 }, async () => {
	const place = join(folder, 'certified');
	const [instance, answers] = [join(place, 'instance'), join(place, 'answers.yaml')];
	await mkdir(join(place, 'marks'), { recursive: true });
	const replaced = {
		database: { url: await databaseUrl() },
		marks: { folder: join(place, 'marks') },
		existingPki: { rootFile: 'root.pem' },
	};
	await writeAnswers(answers, 'one-host', { portBase, adminPortBase, organization, replaced });
	const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: place, stdio: 'pipe' });
	const root = ['-keyout', 'root.key', '-out', 'root.pem', '-days', '3650', '-subj', '/O=Example/CN=Example root'];
	const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
	openssl('req', '-x509', '-newkey', 'rsa:3072', '-sha256', '-nodes', ...root, ...usage);
	expect(await run(env, 'init', '--answers', answers, '--out', instance)).toMatchObject({ code: 75 });
	for (const name of ['ca', 'tsa']) {
		const request = join(instance, 'requests', `${name}.csr`);
		const by = ['-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial', '-sha256', '-copy_extensions', 'copy'];
		openssl('x509', '-req', '-in', request, ...by, '-days', '365', '-out', request.replace('.csr', '-issued.pem'));
	}
	await init(answers, instance);
	const config = join(instance, 'chancery.yaml');
	await begin(config);
	running.push(await serve(env, config));
	await mustRun(env, 'trust', 'publish', '--instance', instance);
	await signAndVerify(env, { instance, folder: place, organization });
});

it('separate hosts, each with its folder alone and a database of its own', { timeout: 300_000 }, async () => {
	const place = join(folder, 'separate');
	const [instance, answers] = [join(place, 'instance'), join(place, 'answers.yaml')];
	await mkdir(place);
	const addresses = { authorities: '127.0.0.2', logs: '127.0.0.3' };
	const replaced = {
		marks: { folder: join(place, 'marks') },
		hosts: {
			authorities: { address: addresses.authorities, services: ['ca', 'tsa', 'tuf'] },
			logs: { address: addresses.logs, services: ['log', 'ctlog'] },
		},
	};
	await mkdir(replaced.marks.folder);
	await writeAnswers(answers, 'separate-hosts', { portBase, adminPortBase, organization, replaced });
	const fingerprint = await init(answers, instance);

	for (const host of ['authorities', 'logs'] as const) {
		const own = join(place, host);
		await cp(join(instance, 'hosts', host), own, { recursive: true });
		// As if it were there: nothing of it is where the instance was made.
		await rm(join(instance, 'hosts', host), { recursive: true });
		const urlFile = join(own, 'database-url');
		await writeFile(urlFile, `${await databaseUrl()}\n`, { mode: 0o600 });
		const config = join(own, 'chancery.yaml');
		const there = { CHANCERY_DATABASE__URL: `{ file: ${urlFile} }` };
		if (host === 'logs') expect(await begin(config, there)).toBe(CREATED);
		else await mustRun({ ...env, ...there }, 'migrate', '--config', config);
		running.push(await serve({ ...env, ...there }, config));
	}
	const published = JSON.parse(await mustRun(env, 'trust', 'publish', '--instance', instance, '--json'));
	expect(published).toMatchObject({ fingerprint, isChange: true });
	await signAndVerify(env, { instance, folder: place, organization });
});
