/** An instance whose disk is full: writes are refused, reads go on, and it recovers without help when there is room. */
import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
	chancery,
	type InstanceFile,
	IS_ROOT,
	makePlace,
	type Place,
	readInstance,
	removePlaces,
	up,
} from './instance.ts';
import { processesOf } from './processes.ts';
import type { Run } from './run.ts';

const DISK_MIB = 200;
/** FULL_DISK_ENTRIES asks for more, and so for a longer time. */
const ENTRIES = Number(process.env.FULL_DISK_ENTRIES ?? 96);
/** Those who are refused wait for about ten seconds before. */
const SENDERS = 48;

/** Root is not refused a tmpfs; others have no small disk to fill. */
describe.skipIf(!IS_ROOT)('an instance on a disk that is full', { timeout: 120_000 + 500 * ENTRIES }, () => {
	let place: Place;
	let run: Run;
	let instance: InstanceFile;
	const ballast = () => join(place.base, 'ballast');

	beforeAll(async () => {
		place = await makePlace();
		// Everything of it lies there: data, log file, and the marks in the home.
		execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m,mode=711`, 'tmpfs', place.base]);
		await mkdir(join(place.base, 'home'));
		run = up(place);
		await run.ready();
		instance = await readInstance(place);
	});
	afterAll(async () => {
		await run.stop();
		execFileSync('umount', ['-l', place.base]);
		await removePlaces();
	});

	const urlOf = (service: string) => instance.services[service]?.url ?? '';

	/** Reads that have to be answered whatever happens to writes. */
	const reads = () => [
		`${urlOf('log')}/api/v1/log`,
		`${urlOf('log')}/api/v1/log/entries?logIndex=0`,
		`${urlOf('log2')}/checkpoint`,
		`${urlOf('ctlog')}/ct/v1/get-sth`,
		`${urlOf('ca')}/api/v2/trustBundle`,
		`${urlOf('tsa')}/api/v1/timestamp/certchain`,
		`${urlOf('tuf')}/timestamp.json`,
		`${instance.oidcIssuer}/.well-known/openid-configuration`,
	];

	async function readAll(): Promise<[string, number][]> {
		return Promise.all(reads().map(async (url) => [url, (await fetch(url)).status] as [string, number]));
	}

	async function post(count: number): Promise<Map<string, number>> {
		const outcomes = new Map<string, number>();
		let left = count;
		const send = async () => {
			while (left-- > 0) {
				const outcome = await postEntry(urlOf('log')).catch((error: unknown) => `failed: ${String(error)}`);
				outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
			}
		};
		await Promise.all(Array.from({ length: SENDERS }, send));
		return outcomes;
	}

	it('answers writes with 201 or with 503 and a time to come back, and reads as always', async () => {
		expect(await post(20)).toEqual(new Map([['201', 20]]));
		fill(ballast());
		const outcomes = await post(ENTRIES);
		console.log(`on a full disk: ${JSON.stringify([...outcomes])}`);
		expect([...outcomes.keys()].filter((outcome) => outcome !== '201' && outcome !== '503 with Retry-After')).toEqual(
			[],
		);
		expect(outcomes.get('503 with Retry-After') ?? 0).toBeGreaterThan(0);
		expect(await readAll()).toEqual(reads().map((url) => [url, 200]));
	});

	it('goes on by itself when there is room again, and says how many log lines are missing', async () => {
		await rm(ballast());
		const isWritten = async () => [...(await post(1)).keys()].join();
		await expect.poll(isWritten, { timeout: 60_000, interval: 250 }).toBe('201');
		expect(await readAll()).toEqual(reads().map((url) => [url, 200]));
		await expect
			.poll(() => readFile(join(place.data, 'chancery.log'), 'utf8'), { timeout: 10_000 })
			.toMatch(/"lost":\d+,"reason":"ENOSPC"/);
	});

	it('has its database back by itself when that ends', async () => {
		const { database } = await processesOf(place);
		process.kill(database, 'SIGKILL');
		// Its backends outlive it for a moment, and may still answer a write.
		const isAnother = () =>
			processesOf(place).then(
				(now) => now.database !== database,
				() => false,
			);
		await expect.poll(isAnother, { timeout: 60_000, interval: 250 }).toBe(true);
		const isWritten = async () => [...(await post(1)).keys()].join();
		await expect.poll(isWritten, { timeout: 60_000, interval: 250 }).toBe('201');
	});

	it('stops in order, and its logs are whole', async () => {
		expect(await run.stop()).toEqual({ code: 0, signal: null });
		const audit = chancery(place, ['log', 'audit', '--data', place.data]);
		expect({ ...(await audit.ended), said: audit.stderr }).toMatchObject({ code: 0 });
		expect(audit.stdout.match(/: correct: /g)).toHaveLength(3);
	});

	it('starts on the full disk or says why not, and starts when there is room', async () => {
		fill(ballast());
		const refused = up(place);
		const end = await Promise.race([refused.ended, refused.ready()]);
		if (typeof end !== 'string') {
			expect(end.code).toBe(1);
			expect(refused.stderr).toMatch(/ENOSPC|[Nn]o space left|disk is full/);
			expect(refused.stderr).not.toMatch(/^\s+at /m);
		}
		await refused.stop();
		await rm(ballast());
		run = up(place);
		await run.ready();
	});
});

async function postEntry(url: string): Promise<string> {
	const artifact = randomBytes(32);
	const content = { content: sign('sha256', artifact, privateKey).toString('base64') };
	const spki = publicKey.export({ type: 'spki', format: 'pem' }).toString();
	const body = {
		apiVersion: '0.0.1',
		kind: 'hashedrekord',
		spec: {
			data: { hash: { algorithm: 'sha256', value: createHash('sha256').update(artifact).digest('hex') } },
			signature: { ...content, publicKey: { content: Buffer.from(spki).toString('base64') } },
		},
	};
	const reply = await fetch(`${url}/api/v1/log/entries`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});
	await reply.text();
	return reply.status === 503 && reply.headers.has('retry-after') ? '503 with Retry-After' : String(reply.status);
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** Takes all that is left, in smaller and smaller pieces. */
function fill(path: string): void {
	const fd = openSync(path, 'w');
	try {
		for (const size of [1024 * 1024, 4096, 1])
			for (;;)
				try {
					writeSync(fd, Buffer.alloc(size));
				} catch (error) {
					if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
					break;
				}
	} finally {
		closeSync(fd);
	}
}
