import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type CapturedLog, captureLog } from '../../test/captured-log.ts';
import { openSocket, rawRequest } from '../../test/raw-request.ts';
import { createListener } from '../http/listener.ts';
import type { Job, Service } from '../service.ts';
import { type RunningService, type StartOptions, startService } from './running-service.ts';

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

const running: RunningService[] = [];
afterEach(async () => {
	await Promise.all(running.splice(0).map((service) => service.stop()));
});

interface Made {
	readonly service: Service;
	readonly captured: CapturedLog;
	/** What happened to the service, in order. */
	readonly history: string[];
}

function makeService(options: { jobs?: Job[]; listeners?: string[]; close?: () => Promise<void> } = {}): Made {
	const captured = captureLog('info');
	const history: string[] = [];
	const listeners = (options.listeners ?? ['public']).map((name) => {
		const app = createListener({ name, logger: captured.logger, errors: {}, family: 'text', maxBodyBytes: 1000 });
		app.get('/', async () => name);
		app.get('/slow', async () => {
			history.push('slow began');
			await sleep(300);
			history.push('slow ended');
			return 'slow';
		});
		app.get('/never', () => new Promise(() => undefined));
		return { name, app };
	});
	const service: Service = {
		name: 'svc',
		listeners,
		jobs: options.jobs ?? [],
		health: async () => ({ ready: true, checks: {} }),
		close: async () => {
			history.push('closed');
			await options.close?.();
		},
	};
	return { service, captured, history };
}

async function start({ service, captured }: Made, addresses?: StartOptions['addresses']): Promise<RunningService> {
	const started = await startService(service, {
		addresses: addresses ?? { public: { host: '127.0.0.1', port: 0 } },
		logger: captured.logger,
	});
	running.push(started);
	return started;
}

const portIn = (url: string | undefined) => Number(new URL(url ?? '').port);

describe('a started service', () => {
	it('answers on each of its listeners', async () => {
		const made = makeService({ listeners: ['public', 'admin'] });
		const { urls } = await start(made, {
			public: { host: '127.0.0.1', port: 0 },
			admin: { host: 'localhost', port: 0 },
		});
		for (const name of ['public', 'admin']) expect(await (await fetch(`${urls[name]}/`)).text()).toBe(name);
		expect(urls.public).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
		expect(urls.admin).toMatch(/^http:\/\/localhost:\d+$/);
	});

	it('names an address that can be called when it listens everywhere', async () => {
		const { urls } = await start(makeService(), { public: { host: '0.0.0.0', port: 0 } });
		expect(urls.public).toMatch(/^http:\/\/localhost:\d+$/);
		expect((await fetch(`http://127.0.0.1:${portIn(urls.public)}/`)).status).toBe(200);
	});

	it('measures requests without being told to', async () => {
		const made = makeService();
		const { urls } = await start(made);
		await fetch(`${urls.public}/`);
		const { metrics } = made.service.listeners[0]!.app.chassis;
		await expect.poll(() => metrics?.print()).toMatch(/http_request_duration_seconds_count\{.*service="svc".*\} 1/);
		expect(await metrics?.print()).toMatch(/process_resident_memory_bytes\{service="svc"\} \d+/);
	});

	it.each([
		['has no address', {}, /listener 'public' and no address/],
		['has an address of a prototype', Object.create({ public: { host: '127.0.0.1', port: 0 } }), /no address/],
	])('is refused when a listener %s', async (_, addresses, words) => {
		await expect(start(makeService(), addresses)).rejects.toThrow(words);
	});

	it('lets go of what it has bound when a later listener cannot be bound', async () => {
		const blocker = createServer().listen(0, '127.0.0.1');
		await new Promise((resolve) => blocker.once('listening', resolve));
		const { port } = blocker.address() as AddressInfo;
		const made = makeService({ listeners: ['public', 'admin'] });
		await expect(
			start(made, { public: { host: '127.0.0.1', port: 0 }, admin: { host: '127.0.0.1', port } }),
		).rejects.toMatchObject({ code: 'EADDRINUSE' });
		expect(made.history).toEqual(['closed']);
		expect(made.service.listeners[0]?.app.server.listening).toBe(false);
		blocker.close();
	});
});

describe.runIf(hasIpv6)('localhost on a machine with IPv6', () => {
	it('means both addresses, on one port', async () => {
		const { urls } = await start(makeService(), { public: { host: 'localhost', port: 0 } });
		const request = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
		for (const host of ['127.0.0.1', '::1'])
			expect(await rawRequest(portIn(urls.public), request, host)).toMatch(/^HTTP\/1.1 200 /);
	});

	it('is refused when somebody else has the port on one of them', async () => {
		const stranger = createTcpServer().listen({ host: '::1', port: 0 });
		await new Promise((resolve) => stranger.once('listening', resolve));
		const { port } = stranger.address() as AddressInfo;
		const made = makeService();
		await expect(start(made, { public: { host: 'localhost', port } })).rejects.toMatchObject({ code: 'EADDRINUSE' });
		await expect(rawRequest(port, 'x')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
		stranger.close();
	});
});

describe('stopping', () => {
	// Each of these would wait for ever if a connection or a piece of work could hold the stop up.
	it.each<[string, string]>([
		['that said nothing', ''],
		['in the middle of a head', 'GET / HTTP/1.1\r\nHos'],
		['in the middle of a body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc'],
		['kept alive after an answer', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
		['whose answer never comes', 'GET /never HTTP/1.1\r\nHost: a\r\n\r\n'],
	])('ends with a connection %s', { timeout: 6_000 }, async (_, text) => {
		const made = makeService();
		const service = await start(made);
		const socket = await openSocket(portIn(service.urls.public), text);
		const closed = new Promise((resolve) => socket.once('close', resolve));
		socket.resume();
		await sleep(50);
		await service.stop();
		await closed;
		expect(made.history).toEqual(['closed']);
	});

	it('lets a request under way finish, then ends the jobs, then closes', async () => {
		const job: Job = {
			name: 'loop',
			run: async (signal) => {
				await new Promise((resolve) => signal.addEventListener('abort', resolve));
				made.history.push('job ended');
			},
		};
		const made = makeService({ jobs: [job] });
		const service = await start(made);
		const reply = fetch(`${service.urls.public}/slow`);
		await expect.poll(() => made.history).toContain('slow began');
		await Promise.all([service.stop(), service.stop()]);
		expect(await (await reply).text()).toBe('slow');
		expect(made.history).toEqual(['slow began', 'slow ended', 'job ended', 'closed']);
		await expect(fetch(`${service.urls.public}/`)).rejects.toThrow();
	});

	it('does not wait for a job that ignores its signal, nor for a close that hangs or fails', async () => {
		const deaf: Job = { name: 'deaf', run: () => new Promise(() => undefined) };
		const hanging = makeService({ jobs: [deaf], close: () => new Promise(() => undefined) });
		await (await start(hanging)).stop();
		const messages = hanging.captured.events().map(({ msg }) => msg);
		expect(messages).toContain('a job did not stop in time');
		expect(messages).toContain('the service did not close in time');

		const failing = makeService({ close: () => Promise.reject(new Error('no')) });
		await (await start(failing)).stop();
		expect(failing.captured.events().map(({ msg }) => msg)).toContain('closing failed');
	});
});

describe('a drain', () => {
	const answer = async (url: string | undefined) => {
		const reply = await fetch(url ?? '');
		return [reply.status, reply.headers.get('connection'), await reply.text()];
	};

	it('fails readiness first, ends each connection with its answer, and answers all the same until it is over', async () => {
		const made = makeService();
		const service = await start(made, {
			public: { host: '127.0.0.1', port: 0 },
			probe: { host: '127.0.0.1', port: 0 },
		});
		const { public: open, probe } = service.urls;
		expect(await answer(`${probe}/readyz`)).toEqual([200, 'keep-alive', '{"ready":true}']);
		expect(await answer(`${open}/`)).toEqual([200, 'keep-alive', 'public']);
		const stopped = service.stop({ drainMs: 800 });
		expect(await answer(`${probe}/readyz`)).toEqual([503, 'close', '{"ready":false}']);
		expect(await answer(`${probe}/healthz`)).toEqual([200, 'close', '{"status":"SERVING"}']);
		expect(await answer(`${open}/`)).toEqual([200, 'close', 'public']);
		expect(await answer(`${open}/slow`)).toEqual([200, 'close', 'slow']);
		expect(made.history).not.toContain('closed');
		await stopped;
		await expect(fetch(`${open}/`)).rejects.toThrow();
		expect(made.history.at(-1)).toBe('closed');
	});

	it('is none unless it was asked for', async () => {
		const service = await start(makeService());
		await service.stop();
		await expect(fetch(`${service.urls.public}/`)).rejects.toThrow();
	});
});

describe('a listener for probes', () => {
	it('has nothing but the two probes, for any service that is given an address for it', async () => {
		const { urls } = await start(makeService(), {
			public: { host: '127.0.0.1', port: 0 },
			probe: { host: '127.0.0.1', port: 0 },
		});
		const statuses = await Promise.all(
			['/healthz', '/readyz', '/metrics', '/', '/status'].map(async (path) => (await fetch(urls.probe + path)).status),
		);
		expect(statuses).toEqual([200, 200, 404, 404, 404]);
		// Also not for a token.
		const reply = await fetch(`${urls.probe}/readyz`, { headers: { authorization: 'Bearer x' } });
		expect(await reply.json()).toEqual({ ready: true });
	});
});

describe('a job', () => {
	it('that throws is started again and counted, and stops while it pauses', async () => {
		let runs = 0;
		const flaky: Job = {
			name: 'flaky',
			run: async () => {
				runs++;
				throw new Error(`run ${runs}`);
			},
		};
		const made = makeService({ jobs: [flaky] });
		const service = await start(made);
		await expect.poll(() => runs, { timeout: 5_000 }).toBe(2);
		await service.stop();
		await sleep(50);
		expect(runs).toBe(2);
		const { metrics } = made.service.listeners[0]!.app.chassis;
		expect(await metrics?.print()).toMatch(/job_failures_total\{.*job="flaky".*\} 2/);
	});

	it('that has nothing more to do is left in peace', async () => {
		let runs = 0;
		const once: Job = { name: 'once', run: async () => void runs++ };
		const service = await start(makeService({ jobs: [once] }));
		await sleep(30);
		await service.stop();
		expect(runs).toBe(1);
	});
});
