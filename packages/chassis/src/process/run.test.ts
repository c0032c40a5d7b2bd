import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createFileKey } from '@chancery/keys/file/file-key';
import { freePort } from '@chancery/testkit/free-port';
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

/** One POST over a connection that is kept open where the server allows it; `code` says why there was no answer. */
async function post(
	url: string,
	body: string,
	agent: Agent,
): Promise<{ status?: number; body?: string; code?: string }> {
	const outgoing = request(url, { method: 'POST', agent });
	outgoing.end(body);
	try {
		const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
		return { status: incoming.statusCode ?? 0, body: await readText(incoming) };
	} catch (error) {
		return { code: (error as NodeJS.ErrnoException).code ?? String(error) };
	}
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

	it('drains on SIGTERM: readiness fails first, and no request that was accepted is cut', async () => {
		const listen = { public: { host: '127.0.0.1', port: 0 }, probe: { host: '127.0.0.1', port: 0 } };
		const started = start({ listen }, { rest: { process: { drainSeconds: 4 } } });
		const url = await urlOf(started);
		const probeOf = () => /"url":"([^"]+)","msg":"listening".*"url":"([^"]+)"/s.exec(started.log())?.[2];
		await expect.poll(probeOf, { timeout: 15_000 }).toBeDefined();
		const isReady = async () => (await fetch(`${probeOf()}/readyz`)).status;
		const agent = new Agent({ keepAlive: true });
		const history: string[] = [];
		let isOver = false;
		const client = async (number: number) => {
			while (!isOver) {
				const { status, body, code } = await post(`${url}/slow`, String(number), agent);
				// Nobody listens any more: from here on the load balancer has sent everything elsewhere.
				if (code === 'ECONNREFUSED') return;
				history.push(`${status} ${body}` === `200 got ${number}` ? 'answered' : `cut: ${status} ${body} ${code}`);
			}
		};
		const clients = Array.from({ length: 8 }, (_, number) => client(number));
		await expect.poll(() => history.length).toBeGreaterThan(8);
		expect(await isReady()).toBe(200);
		const before = history.length;
		started.child.kill('SIGTERM');
		await expect.poll(isReady, { interval: 10 }).toBe(503);
		// As a load balancer that has noticed: what is under way ends, nothing new is sent.
		await expect.poll(() => history.length).toBeGreaterThan(before + 16);
		isOver = true;
		const last = [...Array(20).keys()].map((number) => post(`${url}/slow`, `last ${number}`, agent));
		await Promise.all(clients);
		expect((await Promise.all(last)).map(({ body }) => body)).toEqual(last.map((_, number) => `got last ${number}`));
		expect([...new Set(history)]).toEqual(['answered']);
		expect(await started.exit).toBe(0);
		agent.destroy();
	});

	it('answers what was accepted before the listeners closed, without any drain', async () => {
		const started = start({});
		const url = await urlOf(started);
		const agent = new Agent({ keepAlive: true });
		const accepted = [...Array(8).keys()].map((number) => post(`${url}/slow`, String(number), agent));
		await expect.poll(() => started.log().match(/slow request/g)?.length).toBe(8);
		started.child.kill('SIGTERM');
		expect((await Promise.all(accepted)).map(({ body }) => body)).toEqual(accepted.map((_, number) => `got ${number}`));
		expect(await started.exit).toBe(0);
		agent.destroy();
	});

	it('does not drain for Ctrl-C, and ends at once on a second signal during a drain', async () => {
		const rest = { process: { drainSeconds: 60 } };
		const stopped = start({}, { rest });
		await urlOf(stopped);
		stopped.child.kill('SIGINT');
		expect(await stopped.exit).toBe(0);
		const draining = start({}, { rest });
		const url = await urlOf(draining);
		draining.child.kill('SIGTERM');
		await expect.poll(draining.log).toContain('no longer ready');
		expect((await fetch(url)).headers.get('connection')).toBe('close');
		await sleep(1_100);
		draining.child.kill('SIGTERM');
		expect(await draining.exit).toBe(1);
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

	it('tells systemd when it listens and when it ends, and nothing when it does not start', async () => {
		const port = await freePort();
		const told = join(folder, 'told');
		// In the place of systemd's own program: what it was to say, to whom, and whether somebody listens by then.
		const program = `#!/bin/bash
			(exec 3<>/dev/tcp/127.0.0.1/${port}) 2>/dev/null && open=listening
			echo "$* $NOTIFY_SOCKET $open" >>${told}`;
		const programs = mkdtempSync(join(folder, 'programs-'));
		writeFileSync(join(programs, 'systemd-notify'), program, { mode: 0o755 });
		const env = { NOTIFY_SOCKET: '/run/notify', PATH: `${programs}${delimiter}${process.env.PATH}` };
		const listen = { public: { host: '127.0.0.1', port } };
		const linesOf = () => (existsSync(told) ? readFileSync(told, 'utf8').trimEnd().split('\n') : []);
		expect(await start({ listen, keys: {} }, { env }).exit).toBe(78);
		const rest = { process: { drainSeconds: 60 } };
		const started = start({ listen }, { rest, env });
		await expect.poll(linesOf, { timeout: 15_000 }).toEqual(['READY=1 /run/notify listening']);
		started.child.kill('SIGTERM');
		await expect.poll(() => linesOf().at(-1), { timeout: 15_000 }).toBe('STOPPING=1 /run/notify listening');
	});

	it('serves on where systemd cannot be told, and says so', async () => {
		const started = start({}, { env: { NOTIFY_SOCKET: '/run/notify', PATH: folder } });
		await expect.poll(started.log, { timeout: 15_000 }).toContain('the service manager could not be told');
		expect(await (await fetch(await urlOf(started))).text()).toBe('hello ed25519');
	});

	it.each<[string, object, Parameters<typeof start>[1], RegExp]>([
		['an unknown key', { greetin: 'x' }, {}, /unknown key 'greetin'; did you mean 'greeting'/],
		[
			'a wrong listener',
			{ listen: { public: { host: 'localhost', prot: 1 } } },
			{},
			/greeting\.listen\.public: unknown key 'prot'/,
		],
		['a drain without end', {}, { rest: { process: { drainSeconds: 600 } } }, /process\.drainSeconds: .*60/],
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
