/** What is no request, or no request for us, behind a request that is still being answered: with real sockets. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { listenerWith, portOf } from '../../test/echo-listener.ts';
import { openSocket } from '../../test/raw-request.ts';

const LARGE = 12 * 1024 * 1024;
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

async function answersTo(text: string, { pauseMs = 0 } = {}): Promise<string[]> {
	const { app } = listenerWith();
	app.get('/slow', async () => {
		await sleep(200);
		return 'slow';
	});
	app.get('/large', async (_request, reply) => reply.send(Buffer.alloc(LARGE, 'x')));
	const socket = await openSocket(await portOf(app), text);
	socket.pause();
	await sleep(pauseMs);
	const chunks: Buffer[] = [];
	await new Promise((resolve) => {
		socket.on('data', (chunk: Buffer) => chunks.push(chunk));
		socket.on('close', resolve);
		socket.resume();
	});
	return Buffer.concat(chunks)
		.toString('latin1')
		.split(/(?=HTTP\/1\.1 )/);
}

describe.each([
	['no HTTP', 'surprise\r\n\r\n'],
	['a tunnel', 'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n'],
	['a request with two lengths', 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx'],
])('%s', (_, behind) => {
	it('behind a request that is being worked on is not answered in its place', async () => {
		const answers = await answersTo(get('/slow') + behind);
		expect(answers).toHaveLength(1);
		expect(answers[0]).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: close\r\n\r\nslow$/i);
	});

	it('behind several requests lets the first be answered, and no other be taken for answered', async () => {
		const answers = await answersTo(get('/slow') + get('/things/2') + behind);
		expect(answers).toHaveLength(1);
		expect(answers[0]).toMatch(/slow$/);
	});

	it('behind a large answer that waits for its client does not cut it off', async () => {
		const [answer = '', ...more] = await answersTo(get('/large') + behind, { pauseMs: 200 });
		expect(answer.length - answer.indexOf('\r\n\r\n') - 4).toBe(LARGE);
		expect(more).toEqual([]);
	});

	it('behind an answer that has left is refused', async () => {
		const { app } = listenerWith();
		const socket = await openSocket(await portOf(app), get('/things/1'));
		let came = '';
		socket.on('data', (data) => {
			came += String(data);
		});
		const closed = new Promise((resolve) => socket.on('close', resolve));
		await expect.poll(() => came).toMatch(/thing 1$/);
		socket.write(behind);
		await closed;
		expect(came).toMatch(/thing 1HTTP\/1\.1 (400|501) /);
	});
});
