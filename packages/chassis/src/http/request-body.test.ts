import { rmSync } from 'node:fs';
import { connect as connectPlain, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import { captureLog } from '../../test/captured-log.ts';
import { makeTlsFiles } from '../../test/tls-files.ts';
import { openTlsPair, type TlsPair } from '../tls/tls-pair.ts';
import { bindListener } from './listen.ts';
import { createListener } from './listener.ts';
import { BodyReader } from './request-body.ts';

const MIB = 1024 * 1024;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A body that arrives as `pieces` views of one byte each and then stops. */
function trickle(pieces: number): Readable {
	const payload = new Readable({ read: () => undefined });
	const packet = Buffer.alloc(pieces, 'x');
	for (let at = 0; at < pieces; at++) payload.push(packet.subarray(at, at + 1));
	return payload;
}

describe('bodies that are held', () => {
	it('need as much memory as they have bytes, whatever pieces they come in', async () => {
		setFlagsFromString('--expose-gc');
		const collect = runInNewContext('gc') as () => void;
		const usedBytes = () => {
			collect();
			const { heapUsed, arrayBuffers } = process.memoryUsage();
			return heapUsed + arrayBuffers;
		};
		const reader = new BodyReader({ maxBodyBytes: MIB, maxHeldBytes: MIB });
		const before = usedBytes();
		const bodies = Array.from({ length: 100 }, () => trickle(4000));
		const read = bodies.map((body) => reader.read(body, undefined));
		await expect.poll(() => bodies.every(({ readableLength }) => readableLength === 0)).toBe(true);
		// 400 kB of bodies.
		expect(usedBytes() - before).toBeLessThan(8 * MIB);
		for (const body of bodies) body.push(null);
		for (const { bytes } of await Promise.all(read)) expect(bytes).toEqual(new Uint8Array(4000).fill(0x78));
	});

	it('are counted with the memory that waits for the rest of them', async () => {
		const reader = new BodyReader({ maxBodyBytes: MIB, maxHeldBytes: 1000, uncountedBytes: 0 });
		const payload = new Readable({ read: () => undefined });
		const refused = expect(reader.read(payload, undefined)).rejects.toMatchObject({ code: 'unavailable' });
		payload.push(Buffer.alloc(600));
		payload.push(Buffer.alloc(1));
		payload.push(null);
		await refused;
		const known = new Readable({ read: () => undefined });
		const taken = reader.read(known, 700);
		known.push(Buffer.alloc(600));
		known.push(Buffer.alloc(100));
		known.push(null);
		expect((await taken).bytes).toHaveLength(700);
	});
});

describe.each(['HTTP', 'TLS'] as const)('over %s, a body', (wire) => {
	async function open(): Promise<Socket> {
		let pair: TlsPair | undefined;
		if (wire === 'TLS') {
			const files = await makeTlsFiles();
			cleanups.push(() => rmSync(files.folder, { recursive: true, force: true }));
			pair = await openTlsPair(files, Date.now());
		}
		const { logger } = captureLog();
		const app = createListener({ name: 'public', logger, errors: {}, family: 'code-message', maxBodyBytes: 4 * MIB });
		app.post('/count', async (request) => String((request.body as Uint8Array).length));
		const { servers, url } = await bindListener(app, { host: '127.0.0.1', port: 0 }, pair);
		cleanups.push(async () => {
			servers[0]?.closeAllConnections();
			servers[0]?.close();
			await app.close();
		});
		const plain = connectPlain(Number(new URL(url).port), '127.0.0.1');
		const socket = wire === 'TLS' ? connectTls({ socket: plain, rejectUnauthorized: false }) : plain;
		cleanups.push(() => socket.destroy());
		return socket;
	}

	/** Sends a body of `count` chunks of `size` bytes; the answer, once the connection ends. */
	async function sendChunks(count: number, size: number, more = ''): Promise<string> {
		const socket = await open();
		const chunk = `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
		socket.write(`POST /count HTTP/1.1\r\nHost: a\r\n${more}Transfer-Encoding: chunked\r\n\r\n`);
		socket.write(chunk.repeat(count));
		socket.write('0\r\n\r\n');
		return new Promise((resolve) => {
			let answer = '';
			socket.on('data', (data) => {
				answer += String(data);
			});
			socket.on('error', () => undefined);
			socket.on('close', () => resolve(answer));
		});
	}

	it.each([
		['lines', 4000, 64],
		['chunks as small as segments', 8192, 512],
		['one chunk', 1, 4 * MIB],
	])('in %s is taken', async (_, count, size) => {
		const answer = await sendChunks(count, size, 'Connection: close\r\n');
		expect(answer).toMatch(/^HTTP\/1\.1 200 /);
		expect(answer.split('\r\n\r\n')[1]).toBe(String(count * size));
	});

	it.each([
		['one-byte chunks', 100_000, 1],
		['chunks of 32 bytes for megabytes', 100_000, 32],
	])('in %s is refused, and ends its connection', async (_, count, size) => {
		const answer = await sendChunks(count, size);
		expect(answer).toMatch(/^HTTP\/1\.1 400 /);
		expect(answer).toMatch(/\r\nconnection: close\r\n/i);
		expect(answer).toContain('too many tiny pieces');
	});
});
