/**
 * Keeps the certificate of a listener that of its files: whoever renews them (an orchestrator, a cron job) need not
 * restart the service. The files are read again, not watched: mounted secrets are exchanged by symbolic links, which
 * file notifications miss.
 */
import type { Server } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { TlsFiles } from '../config/tls-section.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { checkTlsPair, readTlsFiles, type TlsPair } from './tls-pair.ts';

export interface TlsRotation {
	readonly listener: string;
	readonly files: TlsFiles;
	/** What the servers show now. */
	readonly pair: TlsPair;
	readonly servers: readonly Server[];
	readonly logger: Logger;
	readonly metrics: Metrics;
	/** How often the files are read. Default 10 s. */
	readonly intervalMs?: number;
}

const INTERVAL_MS = 10_000;

/** Begins to look; the answer ends it. Connections that are open keep the certificate with which they were made. */
export function rotateTlsPair(rotation: TlsRotation): () => void {
	const { listener, files, servers, logger, metrics, intervalMs = INTERVAL_MS } = rotation;
	let { pair } = rotation;
	let problem: string | undefined;
	let isReported = false;
	let isLooking = false;
	const tell = () => metrics.setCertificateEnd(listener, pair.notAfter.getTime() / 1000);

	const look = async () => {
		const contents = await readTlsFiles(files);
		if (!isDeepStrictEqual(contents, pair.contents)) {
			pair = checkTlsPair(files, contents, Date.now());
			for (const server of servers) if (server instanceof TlsServer) server.setSecureContext(pair.context);
			logger.info({ listener, subject: pair.leaf.subject, notAfter: pair.notAfter }, 'a new TLS certificate is used');
			tell();
		}
		problem = undefined;
		isReported = false;
	};
	const timer = setInterval(() => {
		if (isLooking) return;
		isLooking = true;
		look()
			.catch((error: unknown) => {
				const reason = error instanceof Error ? error.message : String(error);
				// Two files are not replaced in one moment: only what stays wrong until the next look is worth a line.
				if (reason === problem && !isReported) {
					isReported = true;
					logger.error(
						{ listener, reason, notAfter: pair.notAfter },
						'the TLS files cannot be used; the old certificate stays',
					);
				}
				problem = reason;
			})
			.finally(() => {
				isLooking = false;
			});
	}, intervalMs);
	timer.unref();
	tell();
	return () => clearInterval(timer);
}
