import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileKey } from '@chancery/keys/file/file-key';
import { afterEach, beforeAll, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../test/serve-greeting.ts', import.meta.url));
const DESCRIPTORS = 64;

let folder: string;
let child: ChildProcess;
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-descriptors-'));
	await createFileKey(join(folder, 'main.pem'), 'ed25519', { passphrase: 'open' });
	return () => rmSync(folder, { recursive: true });
});
afterEach(() => void child.kill('SIGKILL'));

it('a service without descriptors left loses connections, stays, and serves again when there are some', async () => {
	const config = join(folder, 'config.json');
	const section = {
		greeting: 'hello',
		listen: { public: { host: '127.0.0.1', port: 0 } },
		keys: { main: { uri: `file:${join(folder, 'main.pem')}`, passphrase: { env: 'TEST_PASSPHRASE' } } },
	};
	writeFileSync(config, JSON.stringify({ database: { url: 'postgres://127.0.0.1:1/none' }, greeting: section }));
	const limited = ['-c', `ulimit -n ${DESCRIPTORS}; exec "$@"`, 'sh', process.execPath, MAIN, '--config', config];
	child = spawn('sh', limited, {
		env: { PATH: process.env.PATH, TEST_PASSPHRASE: 'open' },
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	let log = '';
	child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
		log += chunk;
	});
	const urlIn = () => /"url":"([^"]+)"/.exec(log)?.[1];
	await expect.poll(urlIn, { timeout: 15_000 }).toBeDefined();
	const url = urlIn() ?? '';

	const sockets: Socket[] = Array.from({ length: 3 * DESCRIPTORS }, () => {
		const socket = connect(Number(new URL(url).port), '127.0.0.1');
		socket.on('error', () => undefined);
		return socket;
	});
	await Promise.all(
		sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))),
	);
	await expect.poll(() => sockets.filter(({ readyState }) => readyState === 'closed').length).toBeGreaterThan(0);
	expect(child.exitCode).toBeNull();
	for (const socket of sockets) socket.destroy();
	const greeting = async () => fetch(url).then((reply) => reply.text(), String);
	await expect.poll(greeting, { timeout: 10_000 }).toBe('hello ed25519');
	expect(child.exitCode).toBeNull();
});
