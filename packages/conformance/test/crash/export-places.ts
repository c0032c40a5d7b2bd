/** The places that the export campaign exports to, as a log process is told of them and as a reader finds them. */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openS3Store } from '@chancery/net/object-store/s3-store';
import { ACCESS_KEY, BUCKET, SECRET_KEY } from './object-store.ts';
import { LOG_NAMES, type LogName } from './proposals.ts';

export type ReadExported = (path: string) => Promise<Uint8Array | undefined>;

export interface ExportPlace {
	/** `export` of each log's section. */
	readonly exports: Readonly<Record<LogName, object>>;
	/** Environment that the log process needs beside. */
	readonly env: NodeJS.ProcessEnv;
	readonly read: Readonly<Record<LogName, ReadExported>>;
}

const INTERVAL_SECONDS = 0.1;

export function folderPlace(folder: string): ExportPlace {
	return {
		exports: byLog((log) => ({ kind: 'folder', path: join(folder, log), intervalSeconds: INTERVAL_SECONDS })),
		env: {},
		read: byLog((log) => async (path) => {
			try {
				return new Uint8Array(await readFile(join(folder, log, path)));
			} catch (error) {
				if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
				throw error;
			}
		}),
	};
}

export function bucketPlace(endpoint: string): ExportPlace {
	const concealed = (value: string) => ({ reveal: () => value });
	const target = (log: LogName) => ({ endpoint, bucket: BUCKET, prefix: `logs/${log}`, region: 'us-east-1' });
	return {
		exports: byLog((log) => ({
			kind: 's3',
			...target(log),
			accessKeyId: { env: 'EXPORT_ACCESS_KEY' },
			secretAccessKey: { env: 'EXPORT_SECRET_KEY' },
			intervalSeconds: INTERVAL_SECONDS,
		})),
		env: { EXPORT_ACCESS_KEY: ACCESS_KEY, EXPORT_SECRET_KEY: SECRET_KEY },
		read: byLog((log) => {
			const keys = { accessKeyId: concealed(ACCESS_KEY), secretAccessKey: concealed(SECRET_KEY) };
			return openS3Store({ ...target(log), ...keys }).read;
		}),
	};
}

function byLog<T>(make: (log: LogName) => T): Record<LogName, T> {
	return Object.fromEntries(LOG_NAMES.map((log) => [log, make(log)])) as Record<LogName, T>;
}

/** All that it takes to serve a log from its export: the bytes under their names. */
export async function serveExported(read: ReadExported): Promise<{ url: string; close(): Promise<void> }> {
	const server: Server = createServer(async (request, reply) => {
		const bytes = await read((request.url ?? '').replace(/^\/+/, ''));
		reply.writeHead(bytes ? 200 : 404).end(bytes);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		close: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}
