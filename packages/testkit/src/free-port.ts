/** Ports for servers that have to be told theirs: tried, not promised. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';

/** A port of `host` that was free a moment ago. */
export async function freePort(host: string = LOOPBACK): Promise<number> {
	const [port = 0] = await freePorts(1, host);
	return port;
}

/** As many different ones. */
export async function freePorts(count: number, host: string = LOOPBACK): Promise<number[]> {
	const servers = Array.from({ length: count }, () => createServer().listen(0, host));
	await Promise.all(servers.map((server) => once(server, 'listening')));
	const ports = servers.map((server) => (server.address() as AddressInfo).port);
	await Promise.all(servers.map((server) => once(server.close(), 'close')));
	return ports;
}

/** Where an instance may have its ports; the last of them is the last base. */
export interface PortRange {
	readonly from: number;
	readonly to: number;
}

/** Below 32768, where kernels begin to take the ports of outgoing connections: one of those can come between trial and start. */
const RANGE: PortRange = { from: 20_000, to: 32_750 };
/** As many as an instance has. */
const IN_A_ROW = 10;
const ATTEMPTS = 50;

/**
 * The first of ten free ports in a row, a multiple of ten.
 * @throws {Error} when fifty places in the range are taken
 */
export async function freePortBase({ from, to }: PortRange = RANGE): Promise<number> {
	for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
		const base = from + Math.floor((Math.random() * (to - from + IN_A_ROW)) / IN_A_ROW) * IN_A_ROW;
		const free = await Promise.all(Array.from({ length: IN_A_ROW }, (_, offset) => isFree(base + offset)));
		if (free.every(Boolean)) return base;
	}
	throw new Error(`no ten free ports in a row between ${from} and ${to}`);
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once('error', () => resolve(false));
		server.listen(port, LOOPBACK, () => server.close(() => resolve(true)));
	});
}
