import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileKey } from '@chancery/keys/file/file-key';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openSocket } from '../../test/raw-request.ts';
import { makeTlsFiles } from '../../test/tls-files.ts';

const MAIN = fileURLToPath(new URL('../../test/serve-greeting.ts', import.meta.url));

let folder: string;
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-run-'));
	await createFileKey(join(folder, 'main.pem'), 'ed25519', { passphrase: 'open' });
});
afterAll(() => rmSync(folder, { recursive: true }));

const children: ChildProcess[] = [];
afterEach(() => {
	for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Started {
	readonly child: ChildProcess;
	/** Everything written to standard error so far. */
	log(): string;
	/** Resolves with the exit code, or the signal that killed it. */
	readonly exit: Promise<number | string>;
}

function start(section: object, extra: { rest?: object; args?: string[]; env?: Record<string, string> } = {}): Started {
	const config = join(folder, `${children.length}.json`);
	// JSON is YAML.
	writeFileSync(
		config,
		JSON.stringify({
			database: { url: 'postgres://127.0.0.1:1/none' },
			greeting: {
				greeting: 'hello',
				listen: { public: { host: '127.0.0.1', port: 0 } },
				keys: { main: { uri: `file:${join(folder, 'main.pem')}`, passphrase: { env: 'TEST_PASSPHRASE' } } },
				...section,
			},
			...extra.rest,
		}),
	);
	const child = spawn(process.execPath, [MAIN, ...(extra.args ?? ['--config', config])], {
		env: { PATH: process.env.PATH, TEST_PASSPHRASE: 'open', ...extra.env },
		stdio: ['ignore', 'inherit', 'pipe'],
	});
	children.push(child);
	let text = '';
	child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
		text += chunk;
	});
	const exit = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
	return { child, log: () => text, exit };
}

async function urlOf({ log }: Started): Promise<string> {
	await expect.poll(() => /"url":"([^"]+)"/.exec(log())?.[1], { timeout: 15_000 }).toBeDefined();
	return /"url":"([^"]+)"/.exec(log())?.[1] ?? '';
}

describe('a service in a process of its own', { timeout: 30_000 }, () => {
	it('answers, and stops in order on SIGTERM', async () => {
		const started = start({});
		const url = await urlOf(started);
		expect(await (await fetch(url)).text()).toBe('hello ed25519');
		started.child.kill('SIGTERM');
		expect(await started.exit).toBe(0);
		expect(started.log()).toContain('"msg":"closed"');
	});

	it('speaks TLS with the pair that its section names, and opens the key with a passphrase from elsewhere', async () => {
		const { certificateFile, keyFile, certificate, key, folder: made } = await makeTlsFiles();
		const lock = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' } as const;
		writeFileSync(keyFile, key.export(lock));
		const tls = { certificateFile, keyFile, passphrase: { env: 'TLS_PASSPHRASE' } };
		const env = { TLS_PASSPHRASE: 'open sesame' };
		const started = start({ listen: { public: { host: 'localhost', port: 0, tls } } }, { env });
		const url = await urlOf(started);
		expect(url).toMatch(/^https:\/\/localhost:/);
		const [response] = (await once(get(url, { ca: certificate }), 'response')) as [IncomingMessage];
		expect(response.statusCode).toBe(200);
		expect(started.log()).not.toContain('open sesame');
		response.destroy();
		started.child.kill('SIGTERM');
		expect(await started.exit).toBe(0);
		rmSync(made, { recursive: true });
	});

	it('takes two signals in a row as one', async () => {
		const started = start({});
		const socket = await openSocket(
			Number(new URL(await urlOf(started)).port),
			'GET /never HTTP/1.1\r\nHost: a\r\n\r\n',
		);
		socket.on('error', () => undefined);
		started.child.kill('SIGINT');
		started.child.kill('SIGTERM');
		expect(await started.exit).toBe(0);
	});

	it('stops in order also when it is told to while it starts', async () => {
		const started = start({ startMs: 700 });
		await expect.poll(started.log, { timeout: 15_000 }).toContain('starting');
		started.child.kill('SIGTERM');
		expect(await started.exit).toBe(0);
		expect(started.log()).toMatch(/"msg":"stopping".*"msg":"closed"/s);
	});

	it('reads environment variables over its file', async () => {
		const started = start({}, { env: { CHANCERY_GREETING__GREETING: 'good day', CHANCERY_LOGGING__JSON: 'true' } });
		expect(await (await fetch(await urlOf(started))).text()).toBe('good day ed25519');
	});

	it.each<[string, object, Parameters<typeof start>[1], RegExp]>([
		['an unknown key', { greetin: 'x' }, {}, /unknown key 'greetin'; did you mean 'greeting'/],
		[
			'a wrong listener',
			{ listen: { public: { host: 'localhost', prot: 1 } } },
			{},
			/greeting\.listen\.public: unknown key 'prot'/,
		],
		['no database', {}, { rest: { database: {} } }, /database\.url/],
		['no key', { keys: {} }, {}, /needs the key 'main'/],
		['no file', {}, { args: [] }, /--config FILE/],
		[
			'a certificate that is not there',
			{ listen: { public: { port: 0, tls: { certificateFile: '/nothing/tls.crt', keyFile: '/nothing/tls.key' } } } },
			{},
			/certificate file \/nothing\/tls\.crt cannot be read \(ENOENT\)/,
		],
		[
			'half a pair',
			{ listen: { public: { port: 0, tls: { certificateFile: '/nothing/tls.crt' } } } },
			{},
			/greeting\.listen\.public\.tls\.keyFile/,
		],
		[
			'an environment that switches the verification of certificates off',
			{},
			{ env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } },
			/switch the verification of TLS certificates off, which is refused/,
		],
		[
			'a trust that cannot be read',
			{},
			{ env: { SSL_CERT_FILE: '/nothing.pem' } },
			/nothing\.pem, named by SSL_CERT_FILE/,
		],
		['an unknown argument', {}, { args: ['--confg', 'x'] }, /arguments are not valid/],
		['an argument that is a secret', {}, { args: ['postgres://me:pa55@db'] }, /^(?!.*(pa55|postgres:)).*not valid/s],
	])('refuses to start with %s, with the exit code of a configuration error', async (_, section, extra, words) => {
		const started = start(section, extra);
		expect(await started.exit).toBe(78);
		expect(started.log()).toMatch(words);
	});

	it('refuses to start when its key does not open, without a word of the passphrase', async () => {
		const started = start({}, { env: { TEST_PASSPHRASE: 'guess-what' } });
		expect(await started.exit).toBe(1);
		expect(started.log()).toContain('passphrase-wrong');
		expect(started.log()).not.toContain('guess-what');
	});

	it('ends when something fails that nobody handles, and says so', async () => {
		const started = start({ failWith: 'nobody handles this' });
		expect(await started.exit).toBe(1);
		expect(started.log()).toContain('nobody handles this');
	});
});
