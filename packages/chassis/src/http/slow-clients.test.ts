/** Clients that take their answers slowly or never, send slowly or never, or send ahead: with real sockets, also over TLS. */
import { rmSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { captureLog } from '../../test/captured-log.ts';
import { makeTlsFiles } from '../../test/tls-files.ts';
import { openTlsPair, type TlsPair } from '../tls/tls-pair.ts';
import type { HttpLimits } from './http-server.ts';
import { bindListener } from './listen.ts';
import { createListener, type ListenerOptions } from './listener.ts';

/** More than the system takes for a client that reads nothing. */
const LARGE = 12 * 1024 * 1024;
const QUICK: Partial<HttpLimits> = { answerStallMs: 300, keepAliveTimeoutMs: 200, checkIntervalMs: 50 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Target {
	readonly app: FastifyInstance;
	/** Requests for the large answer that a handler has seen. */
	readonly made: () => number;
	readonly connections: () => Promise<number>;
	/** Opens a connection and writes `text`. */
	open(text: string, from?: string): Promise<Socket>;
	/** Status and headers of the answer to one more request, and its body. */
	ask(path: string, from?: string): Promise<{ head: string; length: number }>;
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

async function listening(wire: 'HTTP' | 'TLS', options: Partial<ListenerOptions> = {}): Promise<Target> {
	let pair: TlsPair | undefined;
	if (wire === 'TLS') {
		const files = await makeTlsFiles();
		cleanups.push(() => rmSync(files.folder, { recursive: true, force: true }));
		pair = await openTlsPair(files, Date.now());
	}
	const { logger } = captureLog();
	const app = createListener({
		name: 'public',
		logger,
		errors: {},
		family: 'code-message',
		maxBodyBytes: 1000,
		...options,
	});
	let made = 0;
	app.get('/large', async (_request, reply) => {
		made++;
		return reply.header('cache-control', 'public, immutable').type('text/plain').send(Buffer.alloc(LARGE, 'x'));
	});
	app.get('/in-turn', (request, reply) =>
		app.chassis.makeLarge(request, async () => {
			made++;
			await sleep(10);
			reply.send(Buffer.alloc(LARGE, 'x'));
		}),
	);
	app.get('/small', async () => 'small');
	app.post('/echo', async (request, reply) => reply.send(request.body));
	const { servers, url } = await bindListener(app, { host: '127.0.0.1', port: 0 }, pair);
	const [server] = servers;
	cleanups.push(async () => {
		server?.closeAllConnections();
		server?.close();
		await app.close();
	});
	const to = { port: Number(new URL(url).port), host: '127.0.0.1' };
	const open: Target['open'] = (text, from = '127.0.0.1') =>
		new Promise((resolve, reject) => {
			const plain = connectPlain({ ...to, localAddress: from });
			const socket = wire === 'TLS' ? connectTls({ socket: plain, rejectUnauthorized: false }) : plain;
			cleanups.push(() => socket.destroy());
			socket.once('error', reject);
			socket.once(wire === 'TLS' ? 'secureConnect' : 'connect', () => {
				socket.off('error', reject).on('error', () => undefined);
				if (text) socket.write(text);
				resolve(socket);
			});
		});
	return {
		app,
		made: () => made,
		connections: () => new Promise((resolve) => server?.getConnections((_, count) => resolve(count))),
		open,
		ask: async (path, from) => {
			const answer = await readAll(await open(get(path, 'Connection: close\r\n'), from));
			const end = answer.indexOf('\r\n\r\n');
			return { head: answer.subarray(0, end).toString(), length: answer.length - end - 4 };
		},
	};
}

function readAll(socket: Socket): Promise<Buffer> {
	return new Promise((resolve) => {
		const chunks: Buffer[] = [];
		socket.on('data', (chunk: Buffer) => chunks.push(chunk));
		socket.on('close', () => resolve(Buffer.concat(chunks)));
	});
}

/** Reads `bytes` per step, and resolves with how much came before the end. */
async function readSlowly(socket: Socket, bytes: number, pauseMs: number): Promise<number> {
	let came = 0;
	let isOver = false;
	socket.on('close', () => {
		isOver = true;
	});
	socket.pause();
	for (let step = 0; !isOver; step++) {
		const until = (step + 1) * bytes;
		for (let chunk: Buffer | null; came < until; ) {
			chunk = socket.read() as Buffer | null;
			if (chunk === null) break;
			came += chunk.length;
		}
		await sleep(pauseMs);
	}
	return came;
}

describe.each(['HTTP', 'TLS'] as const)('over %s, a client that', (wire) => {
	it('takes nothing of its answer keeps no place from others, and is cut off', async () => {
		const target = await listening(wire, { maxInFlight: 1, limits: QUICK });
		const holders = await Promise.all(Array.from({ length: 4 }, () => target.open(get('/large'))));
		await expect.poll(target.made).toBeGreaterThan(0);
		for (const holder of holders) holder.pause();
		expect((await target.ask('/small')).head).toMatch(/^HTTP\/1\.1 200 /);
		await expect.poll(target.connections, { timeout: 10_000 }).toBe(0);
	});

	it('takes less than any line carries is cut off, however steadily', async () => {
		const target = await listening(wire, {
			limits: { ...QUICK, answerStallMs: 1_000, minAnswerBytesPerSecond: 64 * 1024 * 1024 },
		});
		const came = await readSlowly(await target.open(get('/large')), 64 * 1024, 20);
		expect(came).toBeGreaterThan(0);
		expect(came).toBeLessThan(LARGE);
	});

	it('takes its answer slowly, and for longer than a stall may be, gets all of it', async () => {
		const target = await listening(wire, { limits: { ...QUICK, answerStallMs: 1_500 } });
		const startedAt = performance.now();
		const came = await readSlowly(await target.open(get('/large', 'Connection: close\r\n')), 64 * 1024, 8);
		expect(came).toBeGreaterThan(LARGE);
		expect(performance.now() - startedAt).toBeGreaterThan(1_500);
	});

	it('holds more large answers than there is room for is answered 503, with nothing of the answer it replaces', async () => {
		const target = await listening(wire, { maxHeldAnswerBytes: 3 * LARGE, limits: { ...QUICK, answerStallMs: 1_500 } });
		const holder = await target.open(get('/large'));
		holder.pause();
		await expect.poll(target.made).toBe(1);
		const refused = await target.ask('/large');
		expect(refused.head).toMatch(/^HTTP\/1\.1 503 /);
		expect(refused.head).toMatch(/\r\nretry-after: 5\r\n/i);
		expect(refused.head).toMatch(/\r\ncontent-type: application\/json\r\n/i);
		expect(refused.head).toMatch(/\r\nx-request-id: /i);
		expect(refused.head).not.toMatch(/immutable/);
		// Small answers and other clients are not concerned.
		expect((await target.ask('/small')).head).toMatch(/^HTTP\/1\.1 200 /);
		expect(await target.ask('/large', '127.0.0.2')).toEqual({
			head: expect.stringMatching(/^HTTP\/1\.1 200 /),
			length: LARGE,
		});
		// What was held is given back with the connection that held it.
		await expect.poll(target.connections, { timeout: 10_000 }).toBe(0);
		expect((await target.ask('/large')).length).toBe(LARGE);
	});

	it('asks for large answers on many connections has few made, and is refused the others before they are made', async () => {
		const target = await listening(wire, { maxHeldAnswerBytes: 4 * LARGE });
		const crowd = await Promise.all(Array.from({ length: 30 }, () => target.open(get('/in-turn'))));
		for (const socket of crowd) socket.pause();
		await expect
			.poll(async () => (await target.ask('/in-turn')).head)
			.toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 5\r\n/);
		// Two that are held, and those that were being made before anybody knew how large they are.
		expect(target.made()).toBeLessThanOrEqual(2 + 4);
		expect((await target.ask('/in-turn', '127.0.0.2')).length).toBe(LARGE);
	});

	it('sends requests ahead without reading makes one answer at a time, and gets all in order when it reads', async () => {
		const target = await listening(wire);
		const socket = await target.open(get('/large').repeat(3) + get('/small', 'Connection: close\r\n'));
		socket.pause();
		await expect.poll(target.made).toBe(1);
		await sleep(200);
		expect(target.made()).toBe(1);
		const answer = await readAll(socket.resume());
		expect(target.made()).toBe(3);
		expect(answer.length).toBeGreaterThan(3 * LARGE);
		expect(answer.subarray(-5).toString()).toBe('small');
	});

	it('sends hundreds of requests ahead is cut off before it has many answers made', async () => {
		const target = await listening(wire);
		const answer = await readAll(await target.open(get('/small').repeat(300)));
		expect(answer.toString().split('HTTP/1.1 200').length).toBeLessThan(100);
		expect(await target.connections()).toBe(0);
	});

	it.each([
		['sends nothing', '', ''],
		['sends its head byte by byte', 'GET /small HTTP/1.1\r\nX: ', 'x'],
		['sends its body byte by byte', 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n', 'x'],
		[
			'sends its chunks byte by byte',
			'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
			'1\r\nx\r\n',
		],
		['asks once and then nothing more', get('/small'), ''],
	])('%s is cut off', async (_, first, then) => {
		const limits = { headersTimeoutMs: 200, requestTimeoutMs: 300, keepAliveTimeoutMs: 200, checkIntervalMs: 50 };
		const target = await listening(wire, { limits });
		const socket = await target.open(first);
		socket.resume();
		const drip = setInterval(() => then && socket.writable && socket.write(then), 20);
		cleanups.push(() => clearInterval(drip));
		await expect.poll(target.connections, { timeout: 10_000 }).toBe(0);
	});

	it('takes half of all connections leaves the other half to others', async () => {
		const target = await listening(wire, { limits: { maxConnections: 4 } });
		await target.open('');
		await target.open('');
		const third = target.open(get('/small', 'Connection: close\r\n')).then(readAll);
		await expect(third.then(String, () => '')).resolves.toBe('');
		expect((await target.ask('/small', '127.0.0.2')).head).toMatch(/^HTTP\/1\.1 200 /);
	});
});
