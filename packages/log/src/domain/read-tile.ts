/**
 * One tile or entry bundle of the v2 log, by the path it has on the wire.
 */
import { FormatError } from '@chancery/core/format-error';
import { parseTilePath, type TileName, tileWidth } from '@chancery/core/tile';
import { askEngine } from './engine-errors.ts';
import type { SignatureLogV2 } from './signature-log.ts';

/**
 * The bytes behind `<level>/<index>[.p/<width>]` or `entries/<index>[.p/<width>]`; undefined for a path that names no
 * tile of the published tree, a narrower partial tile than the published one included in what is served.
 */
export async function readTile({ log }: SignatureLogV2, path: string): Promise<Uint8Array | undefined> {
	const tile = parsePath(path);
	if (tile === undefined) return undefined;
	const { level, index, width } = tile;
	return askEngine(async () => {
		const { size } = await log.published();
		if (tileWidth(level, index, size) < width) return undefined;
		return level === 'entries' ? log.entryBundle(index, width) : log.tile(level, index, width);
	});
}

function parsePath(path: string): TileName | undefined {
	try {
		return parseTilePath(`tile/${path}`);
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
	}
}
