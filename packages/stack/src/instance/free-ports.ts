/**
 * Whether the ports of an instance are free, asked before anything is decided or made. Somebody may still take one
 * between this question and the moment when the service listens there; then that fails, later and in the same words.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { ServiceName } from '../port-offsets.ts';
import { portOf } from './addresses.ts';

/** @throws the system's EADDRINUSE, with `port`, for the first of these ports that somebody else has on one of the addresses */
export async function checkPortsFree(
	portBase: number,
	{ listening, addresses }: { readonly listening: readonly ServiceName[]; readonly addresses: readonly string[] },
): Promise<void> {
	for (const name of listening)
		for (const host of addresses) {
			const server = createServer();
			try {
				server.listen({ host, port: portOf(portBase, name) });
				await once(server, 'listening');
				server.close();
				await once(server, 'close');
			} catch (error) {
				// Whatever else is wrong, a machine without IPv6 for one, the service itself meets and reports.
				if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw error;
			}
		}
}
