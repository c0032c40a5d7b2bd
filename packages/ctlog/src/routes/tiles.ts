/** GET /checkpoint, /tile/* and /issuer/*: the same log for readers of tiles. */
import { DomainError } from '@chancery/chassis/domain-error';
import { mount } from '@chancery/chassis/http/mount';
import { fromHex } from '@chancery/core/bytes';
import { getCheckpoint, getIssuer, getTile } from '@chancery/wire/ct';
import type { FastifyInstance } from 'fastify';
import type { Issuers } from '../domain/issuers.ts';
import { latestCheckpoint, type ReadableLog, tileAt } from '../domain/read-log.ts';
import { withEngineErrors } from '../errors.ts';
import { FOREVER, LATEST } from './cache-headers.ts';

export function mountTiles(app: FastifyInstance, log: ReadableLog, issuers: Issuers): void {
	mount(app, getCheckpoint, async () => ({
		status: 200,
		headers: LATEST,
		body: await withEngineErrors(() => latestCheckpoint(log)),
	}));
	mount(app, getTile, async ({ params }, request) => {
		const read = () => withEngineErrors(() => tileAt(log, params['*']));
		// Tiles of hashes have 8 KiB; 256 certificates with what was submitted beside them have megabytes.
		const body = await (params['*'].startsWith('data/') ? app.chassis.makeLarge(request, read) : read());
		return { status: 200, headers: FOREVER, body };
	});
	mount(app, getIssuer, async ({ params }) => {
		const certificate = await issuers.find(fromHex(params.fingerprint));
		if (!certificate) throw new DomainError('no-such-issuer', 'no logged chain has a certificate with this SHA-256');
		return { status: 200, headers: FOREVER, body: certificate };
	});
}
