import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createLogger } from '@chancery/chassis/logger';
import { type RunningService, startService } from '@chancery/chassis/process/running-service';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LogUnderTest, startLog } from './log-under-test.ts';
import { envelope, hashedRekordRequest, hashedrekord, newKey, verifierOf } from './proposals.ts';

/** Small enough to be filled by the connections of a test. */
const MAX_QUEUED_MS = 200;

let log: LogUnderTest;
let running: RunningService;
const agent = new Agent({ keepAlive: true, maxSockets: 200 });
const key = newKey();

beforeAll(async () => {
	log = await startLog({ maxQueuedCheckMs: MAX_QUEUED_MS });
	const address = { host: '127.0.0.1', port: 0 };
	running = await startService(log.service, {
		addresses: { v1: address, v2: address, admin: address },
		logger: createLogger({ level: 'silent', json: true, name: 'log' }),
	});
});

afterAll(async () => {
	agent.destroy();
	await running.stop();
	await log.close();
});

interface Reply {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly body: string;
}

function post(url: string, body: string): Promise<Reply> {
	return new Promise((resolve, reject) => {
		const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
		const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
			let text = '';
			answer.setEncoding('utf8');
			answer.on('data', (chunk: string) => {
				text += chunk;
			});
			answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
			answer.on('error', reject);
		});
		sent.on('error', reject);
		sent.end(body);
	});
}

const postV1 = (proposal: object | string) =>
	post(`${running.urls.v1}/api/v1/log/entries`, typeof proposal === 'string' ? proposal : JSON.stringify(proposal));
const postV2 = (proposal: object | string) =>
	post(`${running.urls.v2}/api/v2/log/entries`, typeof proposal === 'string' ? proposal : JSON.stringify(proposal));

let artifacts = 0;
const cheapV1 = () => postV1(hashedrekord(`artifact ${artifacts++}`, key));
const cheapV2 = () => postV2(hashedRekordRequest(`artifact ${artifacts++}`, key));

/** A hashedrekord whose signature is by the key and over something else: all the work, and nothing is logged. */
function wrongHashedrekord(key: { publicKey: KeyObject; privateKey: KeyObject }, hash: 'sha256' | 'sha512'): string {
	const pem = key.publicKey.export({ type: 'spki', format: 'pem' }) as string;
	return JSON.stringify({
		apiVersion: '0.0.1',
		kind: 'hashedrekord',
		spec: {
			data: { hash: { algorithm: hash, value: createHash(hash).update('one thing').digest('hex') } },
			signature: {
				content: sign(hash, Buffer.from('another'), key.privateKey).toString('base64'),
				publicKey: { content: Buffer.from(pem).toString('base64') },
			},
		},
	});
}

interface Flood {
	/** Answers by status so far. */
	readonly answers: Map<number, number>;
	readonly replies: Reply[];
	/** Resolves when this many more have been answered. */
	answered(count: number): Promise<void>;
	stop(): Promise<void>;
}

/** Connections that send the next request as soon as the last one is answered. */
function flood(connections: number, send: (i: number) => Promise<Reply>): Flood {
	const answers = new Map<number, number>();
	const replies: Reply[] = [];
	let total = 0;
	let stopped = false;
	const run = async (i: number) => {
		while (!stopped) {
			const reply = await send(i);
			total++;
			answers.set(reply.status, (answers.get(reply.status) ?? 0) + 1);
			if (replies.length < 1000) replies.push(reply);
			// Refused at once: without a pause it would be a flood of refusals, which is another thing.
			if (reply.status === 429) await new Promise((resolve) => setTimeout(resolve, 20));
		}
	};
	const running = Array.from({ length: connections }, (_, i) => run(i));
	return {
		answers,
		replies,
		answered: async (count) => {
			for (const until = total + count; total < until; ) await new Promise((resolve) => setTimeout(resolve, 5));
		},
		stop: async () => {
			stopped = true;
			await Promise.all(running);
		},
	};
}

/** A cheap check of a signature that is wrong: answered when it has been checked, without a word to the database. */
const cheapWrong = wrongHashedrekord(key, 'sha256');

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

describe('a flood of costly signatures', () => {
	const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' });
	const rsa = generateKeyPairSync('rsa', { modulusLength: 4096 });

	it('fills its own part of the queue and is refused, while cheap ones are logged', async () => {
		const dear = wrongHashedrekord(p521, 'sha512');
		const wide = wrongHashedrekord(rsa, 'sha256');
		let checkedDear = 0;
		const attack = flood(120, async (i) => {
			const reply = await postV1(i % 3 === 0 ? wide : dear);
			if (i % 3 !== 0 && reply.status === 400) checkedDear++;
			return reply;
		});
		try {
			await attack.answered(240);
			for (let round = 0; round < 4; round++) {
				const replies = await Promise.all([cheapV1(), cheapV1(), cheapV2(), cheapV2()]);
				expect(replies.map((reply) => reply.status)).toEqual([201, 201, 201, 201]);
			}
			const checkedBetween: number[] = [];
			for (let round = 0; round < 21; round++) {
				const before = checkedDear;
				expect((await postV1(cheapWrong)).status).toBe(400);
				checkedBetween.push(checkedDear - before);
			}
			// In the order of arrival each would wait for all that the queue holds, some forty of the flood.
			expect(median(checkedBetween)).toBeLessThan(12);
		} finally {
			await attack.stop();
		}
		// Nothing of the flood was accepted, and it was too much.
		expect([...attack.answers.keys()].toSorted()).toEqual([400, 429]);
		for (const { status, headers, body } of attack.replies.filter((reply) => reply.status === 429)) {
			expect({ status, retryAfter: headers['retry-after'] }).toEqual({ status: 429, retryAfter: '1' });
			expect(JSON.parse(body)).toMatchObject({ code: 429, reason: 'overloaded' });
		}
		expect(await log.service.health()).toMatchObject({
			ready: true,
			checks: {
				signatureChecks: { ok: true, detail: expect.stringMatching(/^0 of 200 ms .* by (shifted-key|native);/) },
			},
		});
	});
});

describe('a flood of bodies of 4 MB', () => {
	it('leaves turns of the event loop to small requests', async () => {
		const signed = envelope({ _type: 'statement', filler: 'x'.repeat(2_900_000) }, key);
		const wrong = { ...signed, signatures: [{ sig: envelope({}, key).signatures[0]!.sig }] };
		const v2 = JSON.stringify({ dsseRequestV002: { envelope: wrong, verifiers: [verifierOf(key)] } });
		expect(v2.length).toBeGreaterThan(3_800_000);
		expect((await postV2(v2)).status).toBe(400);
		const attack = flood(6, () => postV2(v2));
		try {
			await attack.answered(6);
			const replies = await Promise.all([cheapV1(), cheapV1(), cheapV2(), cheapV2()]);
			expect(replies.map((reply) => reply.status)).toEqual([201, 201, 201, 201]);
			const answeredBetween: number[] = [];
			for (let round = 0; round < 7; round++) {
				const before = attack.answers.get(400) ?? 0;
				expect((await postV1(cheapWrong)).status).toBe(400);
				answeredBetween.push((attack.answers.get(400) ?? 0) - before);
			}
			// A small request takes a few turns of the event loop, and no turn takes more than what has arrived.
			expect(median(answeredBetween)).toBeLessThan(13);
		} finally {
			await attack.stop();
		}
		expect([...attack.answers.keys()]).toEqual([400]);
	});
});

describe('slow and half-closed connections', () => {
	const sockets: Socket[] = [];
	afterAll(() => {
		for (const socket of sockets) socket.destroy();
	});
	const openSocket = (port: number, text: string, half = false) =>
		new Promise<void>((resolve, reject) => {
			const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: half }, () => {
				if (half) socket.end(text);
				else socket.write(text);
				resolve();
			});
			sockets.push(socket.on('error', reject));
			socket.resume();
		});

	it('keep nobody else waiting', async () => {
		const port = Number(new URL(running.urls.v1!).port);
		const head = 'POST /api/v1/log/entries HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
		const body = JSON.stringify(hashedrekord('slow', key));
		const opening = [
			...Array.from({ length: 100 }, () => openSocket(port, head)),
			...Array.from({ length: 100 }, () => openSocket(port, `${head}Content-Length: 4000000\r\n\r\n{"apiVersion":`)),
			...Array.from({ length: 100 }, () => openSocket(port, `${head}Content-Length: 4000000\r\n\r\n{`, true)),
			// These have said all that they will ever say, and wait for the answer.
			...Array.from({ length: 50 }, () =>
				openSocket(port, `${head}Content-Length: ${body.length}\r\n\r\n${body}`, true),
			),
		];
		await Promise.all(opening);
		// Large bodies that stop short of their end, until no more of them are held.
		const large = `${head}Content-Length: 19000000\r\n\r\n${' '.repeat(18_900_000)}`;
		await Promise.all(Array.from({ length: 15 }, () => openSocket(port, large)));
		for (let round = 0; round < 5; round++) {
			const replies = await Promise.all([cheapV1(), cheapV1(), cheapV2(), cheapV2()]);
			expect(replies.map((reply) => reply.status)).toEqual([201, 201, 201, 201]);
		}
	});
});
