/** Ports for instances of these suites, below those that kernels take for outgoing connections. */
import { createServer } from 'node:net';

const FIRST = 22_000;
const COUNT = 98;

/** Ten free ports in a row: tried, not promised. */
export async function freePortBase(): Promise<number> {
	for (let tries = 0; tries < 50; tries++) {
		const base = FIRST + Math.floor(Math.random() * COUNT) * 10;
		const free = await Promise.all(Array.from({ length: 10 }, (_, offset) => isFree(base + offset)));
		if (free.every(Boolean)) return base;
	}
	throw new Error('no ten free ports in a row');
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}
