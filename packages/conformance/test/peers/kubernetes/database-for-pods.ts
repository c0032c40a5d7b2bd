/** A PostgreSQL server of this machine that pods reach over TCP: the embedded one, behind a relay of bytes. */
import { once } from 'node:events';
import { chmod, mkdir } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded/embedded';

export interface DatabaseForPods {
	/** URL of a database, which is made, at an address of this machine. */
	url(name: string, host: string): Promise<string>;
	close(): Promise<void>;
}

export async function startDatabaseForPods(folder: string, port: number): Promise<DatabaseForPods> {
	await using stack = new AsyncDisposableStack();
	await mkdir(folder, { recursive: true });
	// For root: the user the server runs as has to pass.
	await chmod(folder, 0o711);
	const server: EmbeddedPostgres = await startEmbedded({ dataDir: join(folder, 'data'), unsafeNoSync: false });
	stack.defer(() => server.stop());
	const open = new Set<Socket>();
	const relay = createServer((client) => {
		const backend = connect(join(server.runtimeDir, '.s.PGSQL.5432'));
		for (const socket of [client, backend]) {
			open.add(socket);
			socket.on('close', () => open.delete(socket));
			socket.on('error', () => {
				client.destroy();
				backend.destroy();
			});
		}
		client.pipe(backend);
		backend.pipe(client);
	});
	relay.listen(port, '0.0.0.0');
	await once(relay, 'listening');
	stack.defer(async () => {
		for (const socket of open) socket.destroy();
		relay.close();
		await once(relay, 'close');
	});
	const opened = stack.move();
	return {
		url: async (name, host) => {
			await server.createDatabase(name);

			return `postgres://chancery@${host}:${port}/${name}`;
		},
		close: () => opened.disposeAsync(),
	};
}
