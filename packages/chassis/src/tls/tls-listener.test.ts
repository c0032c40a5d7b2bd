/** Listeners that speak TLS: the bounds of plain ones, what they say to strangers, and certificates that are renewed. */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { type CapturedLog, captureLog } from '../../test/captured-log.ts';
import { openSocket, rawRequest } from '../../test/raw-request.ts';
import { type MadeTlsFiles, makeTlsFiles, type TlsFilesOptions } from '../../test/tls-files.ts';
import type { HttpLimits } from '../http/http-server.ts';
import { type BoundListener, bindListener } from '../http/listen.ts';
import { createListener } from '../http/listener.ts';
import { createMetrics } from '../metrics.ts';
import { type RunningService, startService } from '../process/running-service.ts';
import type { Service } from '../service.ts';
import { openTlsPair } from './tls-pair.ts';
import { rotateTlsPair } from './tls-rotation.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function files(options: TlsFilesOptions = {}): Promise<MadeTlsFiles> {
	const made = await makeTlsFiles(options);
	cleanups.push(() => rmSync(made.folder, { recursive: true, force: true }));
	return made;
}

function makeApp(captured: CapturedLog, limits: Partial<HttpLimits> = {}): FastifyInstance {
	const app = createListener({
		name: 'public',
		logger: captured.logger,
		errors: {},
		family: 'code-message',
		maxBodyBytes: 1000,
		limits,
	});
	app.get('/', async () => 'over TLS');
	return app;
}

interface Started {
	readonly running: RunningService;
	readonly port: number;
	readonly own: MadeTlsFiles;
	readonly captured: CapturedLog;
}

async function start(limits: Partial<HttpLimits> = {}, host = '127.0.0.1'): Promise<Started> {
	const own = await files();
	const captured = captureLog();
	const service: Service = {
		name: 'svc',
		listeners: [{ name: 'public', app: makeApp(captured, limits) }],
		jobs: [],
		health: async () => ({ ready: true, checks: {} }),
		close: async () => undefined,
	};
	const running = await startService(service, {
		addresses: { public: { host, port: 0, tls: own } },
		logger: captured.logger,
	});
	cleanups.push(() => running.stop());
	return { running, port: Number(new URL(running.urls.public ?? '').port), own, captured };
}

/** Handshakes as a client that trusts one certificate and asks for `localhost`. */
function handshake(port: number, ca: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
	return new Promise((resolve, reject) => {
		const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...options });
		socket.once('secureConnect', () => resolve(socket));
		socket.once('error', reject);
		cleanups.push(() => socket.destroy());
	});
}

/** Writes over TLS, and reads until the server ends. */
async function rawOverTls({ port, own }: Started, text: string): Promise<string> {
	const socket = await handshake(port, own.certificate);
	socket.write(text);
	let answer = '';
	socket.setEncoding('utf8').on('data', (chunk) => {
		answer += chunk;
	});
	socket.on('error', () => undefined);
	await new Promise((resolve) => socket.once('close', resolve));
	return answer;
}

function get(port: number, ca: string, host = '127.0.0.1'): Promise<string> {
	return new Promise((resolve, reject) => {
		const request = httpsRequest({ port, host, servername: 'localhost', ca, agent: false }, async (response) => {
			let body = '';
			for await (const chunk of response) body += chunk;
			resolve(body);
		});
		request.once('error', reject).end();
	});
}

const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

describe('a listener with a certificate', () => {
	it('answers over TLS, on both addresses of localhost, and says so in its URL', async () => {
		const { running, port, own } = await start({}, 'localhost');
		expect(running.urls.public).toBe(`https://localhost:${port}`);
		for (const host of ['127.0.0.1', '::1']) expect(await get(port, own.certificate, host)).toBe('over TLS');
	});

	it('is refused by a client that does not trust it', async () => {
		const { port } = await start();
		await expect(get(port, (await files()).certificate)).rejects.toMatchObject({
			code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
		});
	});

	it.each([
		['TLSv1.1', undefined],
		['TLSv1.2', 'TLSv1.2'],
		['TLSv1.3', 'TLSv1.3'],
	] as const)('offered %s, agrees on %s', async (version, agreed) => {
		const { port, own } = await start();
		// The client itself would take the old version: what refuses it is the server.
		const only = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
		const socket = handshake(port, own.certificate, only);
		if (agreed) expect((await socket).getProtocol()).toBe(agreed);
		else await expect(socket).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
	});

	it('agrees on no cipher without forward secrecy', async () => {
		const { port, own } = await start();
		const only = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256' } as const;
		await expect(handshake(port, own.certificate, only)).rejects.toThrow(/handshake failure/);
	});

	it('tells a client that speaks plain HTTP what to do, in the shape of its family', async () => {
		const { port, own } = await start();
		const answer = await rawRequest(port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
		expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
		const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
		expect(body).toMatchObject({ code: 400, message: expect.stringContaining('https://') });
		expect(await get(port, own.certificate)).toBe('over TLS');
	});

	it.each([
		['bytes that are neither', Buffer.from('\0\x01\x02 not TLS at all, and long enough to be looked at \r\n\r\n')],
		['a broken handshake', Buffer.from('160301000501000001ff', 'hex')],
		['a record of the greatest length', Buffer.concat([Buffer.from('160301ffff', 'hex'), Buffer.alloc(70_000, 7)])],
	])('closes the connection on %s, and goes on', async (_, bytes) => {
		const { port, own } = await start();
		const socket = connectPlain(port, '127.0.0.1', () => socket.write(bytes));
		socket.on('error', () => undefined).resume();
		await closed(socket);
		expect(await get(port, own.certificate)).toBe('over TLS');
	});
});

describe('the bounds of a listener hold over TLS:', () => {
	it('a handshake that is not finished in time is cut off', async () => {
		const { port, own } = await start({ headersTimeoutMs: 200 });
		// Nothing at all, and the beginning of a ClientHello.
		for (const bytes of ['', '\x16\x03\x01\x02\x00\x01']) await closed((await openSocket(port, bytes)).resume());
		// A client that goes on and on.
		const slow = (await openSocket(port, '\x16\x03\x01\x02\x00\x01')).on('error', () => undefined).resume();
		const drip = setInterval(() => slow.write('a'), 50);
		await closed(slow);
		clearInterval(drip);
		expect(await get(port, own.certificate)).toBe('over TLS');
	});

	it.each<[string, string, number]>([
		['headers that stop', 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ', 408],
		['huge headers', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
		['no HTTP', 'hello\r\n\r\n', 400],
		['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
	])('%s are answered in the shape of the family', async (_, text, status) => {
		const started = await start({ headersTimeoutMs: 300, requestTimeoutMs: 300, checkIntervalMs: 50 });
		const answer = await rawOverTls(started, text);
		expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
		expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))).toMatchObject({ code: status });
	});

	it('connections beyond the bound are dropped, also those that never begin a handshake', async () => {
		const { port, own } = await start({ maxConnections: 2 });
		const silent = [await openSocket(port), await openSocket(port)];
		await expect(handshake(port, own.certificate)).rejects.toThrow();
		for (const socket of silent) socket.destroy();
		await expect.poll(() => get(port, own.certificate).catch(() => '')).toBe('over TLS');
	});

	it('the end is in time, whatever clients do', async () => {
		const { running, port, own } = await start({ headersTimeoutMs: 600_000, requestTimeoutMs: 600_000 });
		const silent = (await openSocket(port)).resume();
		const idle = await handshake(port, own.certificate);
		await running.stop();
		for (const socket of [idle, silent]) if (!socket.closed) await closed(socket);
		await expect(openSocket(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
	});
});

describe('a service with TLS files that cannot be used', () => {
	it('does not start, and leaves no listener behind', async () => {
		const own = await files({ fromDays: -9, untilDays: -1 });
		const captured = captureLog();
		const service: Service = {
			name: 'svc',
			listeners: [{ name: 'public', app: makeApp(captured) }],
			jobs: [],
			health: async () => ({ ready: true, checks: {} }),
			close: async () => undefined,
		};
		const addresses = { public: { host: '127.0.0.1', port: 0, tls: own } };
		await expect(startService(service, { addresses, logger: captured.logger })).rejects.toThrow(/expired on/);
		expect(captured.events().filter(({ msg }) => msg === 'listening')).toEqual([]);
	});
});

describe('certificates that are renewed', () => {
	async function rotating(): Promise<{
		listener: BoundListener;
		own: MadeTlsFiles;
		captured: CapturedLog;
		port: number;
		metric(): Promise<string>;
	}> {
		const own = await files();
		const captured = captureLog();
		const app = makeApp(captured);
		const pair = await openTlsPair(own, Date.now());
		const listener = await bindListener(app, { host: 'localhost', port: 0 }, pair);
		const metrics = createMetrics('svc');
		const end = rotateTlsPair({
			listener: 'public',
			files: own,
			pair,
			servers: listener.servers,
			logger: captured.logger,
			metrics,
			intervalMs: 20,
		});
		cleanups.push(async () => {
			end();
			for (const server of listener.servers) {
				server.close();
				server.closeAllConnections();
			}
			await app.close();
		});
		const metric = async () =>
			/tls_certificate_expiry_timestamp_seconds\{.*\} (\d+)/.exec(await metrics.print())?.[1] ?? '';
		return { listener, own, captured, port: Number(new URL(listener.url).port), metric };
	}

	const shownAt = async (port: number, host = '127.0.0.1') => {
		const socket = await handshake(port, '', { host, rejectUnauthorized: false });
		const { serialNumber } = socket.getPeerCertificate();
		socket.destroy();
		return serialNumber;
	};
	const replace = (own: MadeTlsFiles, next: MadeTlsFiles) => {
		copyFileSync(next.certificateFile, own.certificateFile);
		copyFileSync(next.keyFile, own.keyFile);
	};

	it('are shown to new connections on both addresses, while old ones go on', async () => {
		const { own, port, captured, metric } = await rotating();
		const before = await metric();
		const old = await handshake(port, own.certificate);
		const next = await files({ untilDays: 9 });
		replace(own, next);
		for (const host of ['127.0.0.1', '::1']) await expect.poll(() => shownAt(port, host)).toBe(next.serial);
		old.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
		expect(String(await new Promise((resolve) => old.once('data', resolve)))).toContain('200 OK');
		expect(captured.events()).toContainEqual(
			expect.objectContaining({ level: 'info', listener: 'public', msg: 'a new TLS certificate is used' }),
		);
		expect(Number(await metric()) - Number(before)).toBeCloseTo(8 * 86_400, -3);
	});

	it.each<[string, (own: MadeTlsFiles) => Promise<unknown> | unknown, RegExp]>([
		[
			'is half of another pair',
			async (own) => copyFileSync((await files()).certificateFile, own.certificateFile),
			/does not belong/,
		],
		['has expired', async (own) => replace(own, await files({ fromDays: -9, untilDays: -1 })), /expired on/],
		['is not there', (own) => rmSync(own.keyFile), /cannot be read \(ENOENT\)/],
		['is no certificate', (own) => writeFileSync(own.certificateFile, 'oops'), /no PEM certificate/],
	])('leave the old one in place when the new one %s, and one line in the log', async (_, spoil, words) => {
		const { own, port, captured } = await rotating();
		await spoil(own);
		const complaints = () => captured.events().filter(({ level }) => level === 'error');
		await expect.poll(() => complaints().length).toBe(1);
		expect(complaints()[0]).toMatchObject({ listener: 'public', reason: expect.stringMatching(words) });
		expect(await shownAt(port)).toBe(own.serial);
		// Made good, it is taken up, and what goes wrong later is told again.
		const next = await files();
		replace(own, next);
		await expect.poll(() => shownAt(port)).toBe(next.serial);
		expect(complaints()).toHaveLength(1);
		rmSync(own.keyFile);
		await expect.poll(() => complaints().length).toBe(2);
	});
});
