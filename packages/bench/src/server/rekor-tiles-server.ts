/**
 * The rekor-tiles server (Rekor v2) with its storage in files, as the peer of a comparison. README.md says how to get the program.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileKey } from '@chancery/keys/file/file-key';
import { freePort } from '@chancery/testkit/free-port';
import { waitForHealth } from './health.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { stopChild } from './service-process.ts';

const HOSTNAME = 'tiles.bench.example';

/** How the other server is set up; both are reported. */
export const TILES_VARIANTS = {
	/** A checkpoint every ten seconds: what operators get by default. */
	defaults: ['--checkpoint-interval=10s', '--batch-max-age=250ms', '--batch-max-size=256'],
	/** The fastest possible settings: its storage allows no checkpoint sooner, and it looks for one once a second. */
	quickest: ['--checkpoint-interval=100ms', '--batch-max-age=10ms', '--batch-max-size=1024'],
} as const;
export type TilesVariant = keyof typeof TILES_VARIANTS;

/** Starts it with an empty folder. Both servers recognise repeats, so its persistent antispam is on. */
export async function startRekorTiles(bin: string, folder: string, variant: TilesVariant): Promise<ServerUnderTest> {
	await mkdir(join(folder, 'storage'), { recursive: true });
	const keyFile = join(folder, 'key.pem');
	const { publicKey } = await createFileKey(keyFile, 'ed25519');
	const [port, grpcPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
	const logFile = join(folder, 'server.log');
	const output = openSync(logFile, 'w');
	const args = [
		'serve',
		`--hostname=${HOSTNAME}`,
		'--http-address=127.0.0.1',
		`--http-port=${port}`,
		'--grpc-address=127.0.0.1',
		`--grpc-port=${grpcPort}`,
		`--http-metrics-port=${metricsPort}`,
		`--storage-dir=${join(folder, 'storage')}`,
		`--signer-filepath=${keyFile}`,
		'--persistent-antispam=true',
		...TILES_VARIANTS[variant],
	];
	const child = spawn(bin, args, { stdio: ['ignore', output, output] });
	closeSync(output);
	await waitForHealth(child, `http://127.0.0.1:${port}/healthz`, logFile);
	return {
		name: `rekor-tiles ${variant}`,
		settings: Object.fromEntries(TILES_VARIANTS[variant].map((flag) => flag.slice(2).split('=') as [string, string])),
		target: (wire) => {
			if (wire !== 'v2') throw new Error(`rekor-tiles has no wire ${wire}`);
			return { host: '127.0.0.1', port, wire, log: { origin: HOSTNAME, name: HOSTNAME, publicKey } };
		},
		pids: [child.pid ?? 0],
		databasePid: undefined,
		stop: () => stopChild(child),
	};
}
