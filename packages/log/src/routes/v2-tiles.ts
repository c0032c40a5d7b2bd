/**
 * Reading the v2 log as static resources (https://c2sp.org/tlog-tiles): the newest checkpoint, and tiles that never
 * change once they are served.
 */
import { mount } from '@chancery/chassis/http/mount';
import { fromUtf8 } from '@chancery/core/bytes';
import { getCheckpoint, getCheckpointAtRoot, getTile, getTileAtRoot } from '@chancery/wire/rekor-v2';
import type { FastifyInstance } from 'fastify';
import { askEngine } from '../domain/engine-errors.ts';
import { readTile } from '../domain/read-tile.ts';
import type { SignatureLogV2 } from '../domain/signature-log.ts';

/** Partial tiles too: a width once published keeps its bytes, and a wider tile has another name. */
const IMMUTABLE = { 'cache-control': 'public, max-age=31536000, immutable' } as const;
const REVALIDATE = { 'cache-control': 'no-cache' } as const;
/** Readers fall back to the full tile on a real 404, and a tile that is missing now may exist soon. */
const NOT_FOUND = {
	status: 404,
	headers: { 'cache-control': 'no-store' },
	body: 'not found\n',
} as const;

export function mountV2Tiles(app: FastifyInstance, v2: SignatureLogV2): void {
	for (const route of [getCheckpoint, getCheckpointAtRoot]) {
		mount(app, route, async () => {
			const { note } = await askEngine(() => v2.log.published());
			return { status: 200, headers: REVALIDATE, body: fromUtf8(note) };
		});
	}
	for (const route of [getTile, getTileAtRoot]) {
		mount(app, route, async ({ params }, request) => {
			const read = () => readTile(v2, params['*']);
			// Tiles of hashes have 8 KiB; 256 entries have up to 16 MiB.
			const tile = await (params['*'].startsWith('entries/') ? app.chassis.makeLarge(request, read) : read());
			return tile ? { status: 200, headers: IMMUTABLE, body: tile } : NOT_FOUND;
		});
	}
}
