/** Valid tokens are no way to take the authority away from others: one identity's, and a crowd's of one issuer. */
import { createLogger } from '@chancery/chassis/logger';
import { type RunningService, startService } from '@chancery/chassis/process/running-service';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateClientKey, keyRequest } from './client-key.ts';
import { type Client, flood, openClient, type Reply } from './flood.ts';
import { startInstance, type TestInstance, workflowClaims } from './instance.ts';

const CONNECTIONS = { connections: 400, pauseMs: 250 };
/** Of those: 64 run and 192 wait at the most. */
const REFUSED_AT_LEAST = 400 - 64 - 192;
const EMAIL = 'ada@example.com';

const key = generateClientKey();
let ca: TestInstance;
let running: RunningService;
let client: Client;

beforeAll(async () => {
	ca = await startInstance();
	const address = { host: '127.0.0.1', port: 0 };
	running = await startService(ca.service, {
		addresses: { public: address, admin: address },
		logger: createLogger({ level: 'silent', json: true, name: 'ca' }),
	});
	client = openClient(running.urls.public!, CONNECTIONS.connections + 8);
	// The keys of both issuers are known before anything begins: how many wait for keys has bounds of its own.
	const first = await Promise.all([client.send(await person(EMAIL)), client.send(await workflow('repo:a/b:ref:x'))]);
	expect(first.map(({ status }) => status)).toEqual([200, 200]);
});

afterAll(async () => {
	client.close();
	await running.stop();
	await ca.close();
});

/** A request whose proof is over `sub`. */
async function workflow(sub: string): Promise<string> {
	return JSON.stringify(keyRequest(key, sub, await ca.workflows.mint({ ...workflowClaims(), sub })));
}

async function person(email: string): Promise<string> {
	const token = await ca.people.mint({ email, email_verified: true, sub: email });
	return JSON.stringify(keyRequest(key, email, token));
}

/** What an honest client is answered, one request after the other, while these are sent again and again. */
async function besideFlood(bodies: readonly string[]): Promise<number[]> {
	const { promise: hold, resolve: letGo } = Promise.withResolvers<void>();
	ca.ctLog.behaviour = { hold };
	const attack = flood(client, CONNECTIONS, (i) => bodies[i % bodies.length]!);
	// Nothing is issued before the log lets go, so that these are refusals: every place that the attack gets is taken.
	await attack.answered(REFUSED_AT_LEAST);
	const honest = await person(EMAIL);
	const underWay = ca.ctLog.requests.length;
	let isAnswered = false;
	const first = client.send(honest).finally(() => {
		isAnswered = true;
	});
	await expect.poll(() => isAnswered || ca.ctLog.requests.length > underWay, { timeout: 10_000 }).toBe(true);
	letGo();
	const replies: Reply[] = [await first];
	for (let round = 0; round < 2; round++) {
		await attack.answered(200);
		replies.push(await client.send(honest));
	}
	const others = await attack.stop();
	// What found a place was issued, and the rest was told when to come back.
	expect(others.filter(({ status }) => status === 200).length).toBeGreaterThan(100);
	const refused = others.filter(({ status }) => status !== 200);
	expect(refused.length).toBeGreaterThanOrEqual(REFUSED_AT_LEAST);
	for (const { status, headers, body } of refused) {
		expect(status).toBe(503);
		expect(Number(headers['retry-after'])).toBeGreaterThan(0);
		expect(body).toContain('"reason":"ca-overloaded"');
	}
	return replies.map(({ status }) => status);
}

it('one identity leaves places to another one of its issuer', async () => {
	expect(await besideFlood([await person('mallory@example.com')])).toEqual([200, 200, 200]);
});

it('a crowd of identities of one issuer leaves places to another issuer', async () => {
	const names = Array.from({ length: 400 }, (_, i) => `repo:mallory/r${i}:ref:refs/heads/main`);
	expect(await besideFlood(await Promise.all(names.map(workflow)))).toEqual([200, 200, 200]);
});
