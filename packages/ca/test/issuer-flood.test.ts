import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createLogger } from '@chancery/chassis/logger';
import { type RunningService, startService } from '@chancery/chassis/process/running-service';
import { assembleToken } from '@chancery/testkit/token-issuer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateClientKey, keyRequest } from './client-key.ts';
import { type Client, flood, openClient, type Reply } from './flood.ts';
import { startInstance, type TestInstance } from './instance.ts';

/** More than the listener works on at the same time. */
const CONNECTIONS = { connections: 600, pauseMs: 1_000 };
const EMAIL = 'ada@example.com';

const key = generateClientKey();
let client: Client;
let silent: { readonly url: string; close(): void };
let dripping: typeof silent;
let ca: TestInstance;
let running: RunningService;
let ticking: NodeJS.Timeout;

/** An issuer that takes connections and never has said all, whatever is asked: a byte now and then, or none. */
async function startIssuer(drip: boolean): Promise<typeof silent> {
	const sockets = new Set<Socket>();
	const timers = new Set<NodeJS.Timeout>();
	const server = createServer((socket) => {
		sockets.add(socket);
		socket.on('error', () => undefined);
		socket.on('close', () => sockets.delete(socket));
		if (!drip) return;
		socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 200000\r\n\r\n{"issuer":"');
		timers.add(setInterval(() => socket.writable && socket.write('a'), 50));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		close() {
			for (const timer of timers) clearInterval(timer);
			for (const socket of sockets) socket.destroy();
			server.close();
		},
	};
}

beforeAll(async () => {
	[silent, dripping] = await Promise.all([startIssuer(false), startIssuer(true)]);
	ca = await startInstance({ moreIssuers: [silent, dripping].map(({ url }) => ({ type: 'email', issuer: url })) });
	const beganMs = ca.nowMs - performance.now();
	ticking = setInterval(() => {
		ca.nowMs = Math.floor(beganMs + performance.now());
	}, 5);
	const address = { host: '127.0.0.1', port: 0 };
	running = await startService(ca.service, {
		addresses: { public: address, admin: address },
		logger: createLogger({ level: 'silent', json: true, name: 'ca' }),
	});
	client = openClient(running.urls.public!, CONNECTIONS.connections + 8);
});

afterAll(async () => {
	clearInterval(ticking);
	client.close();
	await running.stop();
	await ca.close();
	silent.close();
	dripping.close();
});

const proof = keyRequest(key, EMAIL);
const bodyWith = (token: string) => JSON.stringify({ ...proof, credentials: { oidcIdentityToken: token } });
const honest = async () => client.send(bodyWith(await ca.people.mint({ email: EMAIL, email_verified: true })));

describe('strangers whose tokens name an issuer', () => {
	it.each([
		{ name: 'that never answers', issuer: () => silent },
		{ name: 'that answers a byte at a time', issuer: () => dripping },
	])('$name take the authority away from nobody else', async ({ issuer }) => {
		const { url } = issuer();
		const attack = flood(client, CONNECTIONS, (i) =>
			bodyWith(assembleToken({ alg: 'RS256', kid: `k${i}` }, { iss: url }, 'AAAA')),
		);
		const good: Reply[] = [];
		// The keys of the honest issuer are not known when the flood begins.
		for (let round = 0; round < 5; round++) {
			good.push(await honest());
			await attack.answered(100);
		}
		const replies = await attack.stop();
		expect(good.map(({ status }) => status)).toEqual(Array(5).fill(200));
		expect(replies.length).toBeGreaterThan(400);
		for (const { status, headers, body } of replies) {
			expect(status).toBe(503);
			expect(Number(headers['retry-after'])).toBeGreaterThan(0);
			expect(body).toMatch(/"reason":"(issuer-unavailable|unavailable)"/);
		}
	});

	it('that is well, with keys that it does not have, make it be asked once in ten seconds', async () => {
		expect((await honest()).status).toBe(200);
		const before = ca.people.requests.length;
		const attack = flood(client, CONNECTIONS, (i) =>
			bodyWith(assembleToken({ alg: 'ES256', kid: `k${i}` }, { iss: ca.people.url }, 'AAAA')),
		);
		const good: Reply[] = [];
		for (let round = 0; round < 5; round++) {
			good.push(await honest());
			await attack.answered(100);
		}
		await attack.stop();
		expect(good.map(({ status }) => status)).toEqual(Array(5).fill(200));
		expect(ca.people.requests.length - before).toBeLessThanOrEqual(2 * Math.ceil(performance.now() / 10_000));
	});
});
