/**
 * Binds the servers of one listener. `localhost` means both loopback addresses: which of the two a client tries first
 * is its own affair, and nobody else should be found at the other one.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { ListenAddress } from '../config/process-config.ts';
import type { TlsPair } from '../tls/tls-pair.ts';
import type { BoundServer } from './http-server.ts';

export interface BoundListener {
	readonly servers: readonly BoundServer[];
	/** Base URL without a trailing slash. */
	readonly url: string;
}

/** What a machine without IPv6 on its loopback answers. */
const NO_IPV6 = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']);
const FREE_PORT_ATTEMPTS = 5;

/** @throws the system's error when an address cannot be bound (EADDRINUSE, EACCES, ...) */
export async function bindListener(
	app: FastifyInstance,
	address: ListenAddress,
	tls: TlsPair | undefined,
): Promise<BoundListener> {
	await app.ready();
	// The server that the framework made speaks plain HTTP, and stays closed where that is not wanted.
	const first = tls ? app.chassis.openServer(tls) : app.server;
	const scheme = tls ? 'https' : 'http';
	if (address.host !== 'localhost') {
		const port = await bind(app, first, address.host, address.port);
		const { address: bound, family } = first.address() as AddressInfo;
		// A wildcard is no address to call.
		const isWildcard = bound === '0.0.0.0' || bound === '::';
		const host = isWildcard
			? 'localhost'
			: family === 'IPv6'
				? `[${address.host.replace(/^\[|\]$/g, '')}]`
				: address.host;
		return { servers: [first], url: `${scheme}://${host}:${port}` };
	}
	for (let attempt = 1; ; attempt++) {
		const port = await bind(app, first, '127.0.0.1', address.port);
		const url = `${scheme}://localhost:${port}`;
		const second = app.chassis.openServer(tls);
		try {
			await bind(app, second, '::1', port);
			return { servers: [first, second], url };
		} catch (error) {
			const code = (error as NodeJS.ErrnoException).code ?? '';
			if (NO_IPV6.has(code)) return { servers: [first], url };
			first.close();
			await once(first, 'close');
			// The port that was free on one address is taken on the other: a fixed port fails, a chosen one is chosen anew.
			if (address.port !== 0 || code !== 'EADDRINUSE' || attempt === FREE_PORT_ATTEMPTS) throw error;
		}
	}
}

async function bind(app: FastifyInstance, server: BoundServer, host: string, port: number): Promise<number> {
	server.listen({ host, port });
	await once(server, 'listening');
	// A connection that cannot be accepted (no descriptor left) is lost; without a listener of the event, so is the process.
	server.on('error', (error) => app.log.error({ err: error, listener: app.chassis.name }, 'a connection was lost'));
	return (server.address() as AddressInfo).port;
}
