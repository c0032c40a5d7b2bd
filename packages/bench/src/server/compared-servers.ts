/** The servers of a comparison: ours, and the peer in each of its variants, with the same keys where that matters. */
import { join } from 'node:path';
import type { Peer } from '../peers.ts';
import { CaInstance } from './ca-instance.ts';
import { startDex } from './dex-server.ts';
import { usualBackend } from './digest-backend.ts';
import { startFulcio } from './fulcio-server.ts';
import { IdentityInstance } from './identity-instance.ts';
import { LogInstance } from './log-instance.ts';
import { startLogServer } from './log-server.ts';
import { startRekorTiles, TILES_VARIANTS, type TilesVariant } from './rekor-tiles-server.ts';
import type { ServerUnderTest } from './server-under-test.ts';
import { startTimestampServer } from './timestamp-server.ts';
import { makeTsaFiles, startTsaServer } from './tsa-instance.ts';

export interface PeerServer {
	start(): Promise<ServerUnderTest>;
	/** A server that publishes every ten seconds must be measured for longer than that. */
	readonly minWindowMs: number;
}

export interface ComparedServers {
	readonly ours: ServerUnderTest;
	readonly theirs: readonly PeerServer[];
	close(): Promise<void>;
}

const TILES_WINDOW_MS: Readonly<Record<TilesVariant, number>> = { defaults: 32_000, quickest: 8_000 };

/** Starts our server below `folder`. `bin` is the program of the peer. */
export async function openComparedServers(
	peer: Peer,
	bin: string,
	folder: string,
	logLevel: string,
): Promise<ComparedServers> {
	await using stack = new AsyncDisposableStack();
	const ourFolder = join(folder, 'ours');
	const { ours, theirs } = await sides();
	stack.defer(() => ours.stop());
	const opened = stack.move();
	return { ours, theirs, close: () => opened.disposeAsync() };

	async function sides(): Promise<Pick<ComparedServers, 'ours' | 'theirs'>> {
		const theirFolder = join(folder, 'theirs');
		switch (peer) {
			case 'rekor-tiles': {
				const instance = await LogInstance.create(ourFolder);
				stack.defer(() => instance.close());
				const variants = Object.keys(TILES_VARIANTS) as TilesVariant[];
				return {
					ours: await startLogServer(instance, { logLevel, backend: usualBackend() }),
					theirs: variants.map((variant) => ({
						start: () => startRekorTiles(bin, join(theirFolder, variant), variant),
						minWindowMs: TILES_WINDOW_MS[variant],
					})),
				};
			}
			case 'fulcio': {
				const instance = await CaInstance.create(ourFolder, logLevel);
				stack.defer(() => instance.close());
				return {
					ours: await instance.start(logLevel),
					theirs: [{ start: () => startFulcio(bin, theirFolder, instance), minWindowMs: 0 }],
				};
			}
			case 'dex': {
				const instance = await IdentityInstance.create(ourFolder);
				stack.defer(() => instance.close());
				return {
					ours: await instance.start(logLevel),
					theirs: [{ start: () => startDex(bin, theirFolder, instance), minWindowMs: 0 }],
				};
			}
			case 'timestamp-authority': {
				const files = await makeTsaFiles(ourFolder);
				return {
					ours: await startTsaServer(files, logLevel),
					theirs: [{ start: () => startTimestampServer(bin, theirFolder, files), minWindowMs: 0 }],
				};
			}
		}
	}
}
