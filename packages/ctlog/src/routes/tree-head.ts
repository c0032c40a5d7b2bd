/** GET /ct/v1/get-sth and /ct/v1/get-sth-consistency: the published tree and how it grew. */
import { mount } from '@chancery/chassis/http/mount';
import { toBase64 } from '@chancery/core/bytes';
import { getSth, getSthConsistency } from '@chancery/wire/ct';
import type { FastifyInstance } from 'fastify';
import { consistency, latestHead, type ReadableLog } from '../domain/read-log.ts';
import { withEngineErrors } from '../errors.ts';
import { IMMUTABLE, LATEST } from './cache-headers.ts';

export function mountTreeHead(app: FastifyInstance, log: ReadableLog): void {
	mount(app, getSth, async () => {
		const head = await withEngineErrors(() => latestHead(log));
		return {
			status: 200,
			headers: LATEST,
			body: {
				tree_size: head.size,
				timestamp: head.timestampMs,
				sha256_root_hash: toBase64(head.root),
				tree_head_signature: toBase64(head.digitallySigned),
			},
		};
	});
	mount(app, getSthConsistency, async ({ query }) => {
		const proof = await withEngineErrors(() => consistency(log, query.first, query.second));
		return { status: 200, headers: IMMUTABLE, body: { consistency: proof.map(toBase64) } };
	});
}
