/**
 * Writing entries to the v2 log. Reading them is the business of tiles.
 */
import { mount } from '@chancery/chassis/http/mount';
import { fromUtf8 } from '@chancery/core/bytes';
import { createEntry, getHealth } from '@chancery/wire/rekor-v2';
import type { TransparencyLogEntry } from '@chancery/wire/transparency-log-entry';
import type { FastifyInstance } from 'fastify';
import { type CreateV2Deps, createEntryV2, type LoggedKindEntry } from '../domain/create-entry-v2.ts';
import type { SignatureLogV2 } from '../domain/signature-log.ts';

export function mountV2Entries(app: FastifyInstance, deps: CreateV2Deps): void {
	mount(app, createEntry, async ({ body }) => {
		const logged = await createEntryV2(deps, body);
		return {
			status: 201,
			headers: {
				'x-log-index': String(logged.index),
				...(logged.duplicate ? { 'x-chancery-duplicate': 'true' } : {}),
			},
			body: encodeEntry(deps.v2, logged),
		};
	});

	mount(app, getHealth, () => ({ status: 200, body: { status: 'SERVING' } }));
}

/** This log signs no time and no promise: clients bring a timestamp of their own. */
function encodeEntry(v2: SignatureLogV2, entry: LoggedKindEntry): TransparencyLogEntry {
	return {
		logIndex: entry.index,
		logId: { keyId: v2.logId },
		kindVersion: { kind: entry.kind, version: entry.version },
		integratedTime: 0,
		inclusionPromise: null,
		inclusionProof: {
			logIndex: entry.index,
			rootHash: entry.publication.root,
			treeSize: entry.publication.size,
			hashes: [...entry.proof],
			checkpoint: { envelope: fromUtf8(entry.publication.note) },
		},
		canonicalizedBody: entry.leaf,
	};
}
