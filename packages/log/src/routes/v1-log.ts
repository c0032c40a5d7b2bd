/**
 * What the v1 log says about itself: tree head, key, growth.
 */
import { mount } from '@chancery/chassis/http/mount';
import { fromUtf8, toHex } from '@chancery/core/bytes';
import { encodePem } from '@chancery/core/pem';
import { getLogInfo, getLogProof, getPublicKey, ping } from '@chancery/wire/rekor-v1';
import type { FastifyInstance } from 'fastify';
import { askEngine } from '../domain/engine-errors.ts';
import { proveGrowth, requireTree } from '../domain/prove-growth.ts';
import type { SignatureLogV1 } from '../domain/signature-log.ts';

/** A client that asks twice wants to see whether the log has grown. */
export const NO_CACHE = {
	'cache-control': 'no-cache, no-store, max-age=0, must-revalidate',
	pragma: 'no-cache',
} as const;

export function mountV1Log(app: FastifyInstance, v1: SignatureLogV1): void {
	mount(app, getLogInfo, async () => {
		const { size, root, note } = await askEngine(() => v1.log.published());
		return {
			status: 200,
			headers: NO_CACHE,
			body: {
				rootHash: toHex(root),
				treeSize: size,
				signedTreeHead: fromUtf8(note),
				treeID: v1.treeId,
				inactiveShards: [],
			},
		};
	});

	mount(app, getPublicKey, ({ query }) => {
		requireTree(v1, query.treeID);
		return {
			status: 200,
			headers: NO_CACHE,
			body: encodePem('PUBLIC KEY', v1.publicKey),
		};
	});

	mount(app, getLogProof, async ({ query }) => {
		const { newestRoot, proof } = await proveGrowth(v1, { ...query, treeId: query.treeID });
		return {
			status: 200,
			headers: NO_CACHE,
			body: { rootHash: toHex(newestRoot), hashes: proof.map(toHex) },
		};
	});

	mount(app, ping, () => ({ status: 200, body: '.' }));
}
