/**
 * A reader that never stops reading an export while it is written: no checkpoint is ever smaller than one before, and
 * what a checkpoint covers is there when the checkpoint is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExportPlace, ReadExported } from './export-places.ts';
import { LOG_NAMES, type LogName } from './proposals.ts';
import { hashTilePaths, tilePathOf } from './tile-layout.ts';

export interface ExportWatcher {
	/** Different checkpoints seen, all logs together. */
	readonly checkpoints: number;
	readonly violations: readonly string[];
	stop(): Promise<void>;
}

const PAUSE_MS = 5;

export function watchExport(place: ExportPlace): ExportWatcher {
	const violations: string[] = [];
	let checkpoints = 0;
	let stopped = false;
	const watch = async (log: LogName): Promise<void> => {
		let shown = -1;
		while (!stopped) {
			const size = await shownSize(place.read[log]);
			if (size !== undefined && size !== shown) {
				checkpoints += 1;
				if (size < shown) violations.push(`${log}: the checkpoint went from ${shown} back to ${size}`);
				shown = size;
				for (const path of edgeOf(log, size))
					if (!(await place.read[log](path)))
						violations.push(`${log}: ${path} is missing below the checkpoint of ${size}`);
			}
			await sleep(PAUSE_MS);
		}
	};
	const watching = Promise.all(LOG_NAMES.map(watch));
	return {
		get checkpoints() {
			return checkpoints;
		},
		violations,
		stop: async () => {
			stopped = true;
			await watching;
		},
	};
}

/** What the checkpoint in a store says; undefined before the first. */
export async function shownSize(read: ReadExported): Promise<number | undefined> {
	const note = await read('checkpoint');
	return note && Number(Buffer.from(note).toString().split('\n')[1]);
}

/** The newest objects of a tree, which are written last before its checkpoint. */
function edgeOf(log: LogName, size: number): string[] {
	const tiles = hashTilePaths(size).filter(({ isEdge }) => isEdge);
	const last = Math.ceil(size / 256) - 1;
	const bundles = [last - 1, last].filter((index) => index >= 0).map((index) => tilePathOf('entries', index, size));
	const named = bundles.map((path) => (log === 'ct' ? path.replace('/entries/', '/data/') : path));
	return [...tiles.map(({ path }) => path), ...named];
}
