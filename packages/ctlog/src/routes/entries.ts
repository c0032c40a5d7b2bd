/** GET /ct/v1/get-entries, /ct/v1/get-entry-and-proof and /ct/v1/get-proof-by-hash: what was logged, and that it was. */
import { DomainError } from '@chancery/chassis/domain-error';
import { mount } from '@chancery/chassis/http/mount';
import { toBase64 } from '@chancery/core/bytes';
import { HASH_LENGTH } from '@chancery/core/merkle';
import type { StoredEntry } from '@chancery/tlog/entry';
import { getEntries, getEntryAndProof, getProofByHash } from '@chancery/wire/ct';
import type { FastifyInstance } from 'fastify';
import { entryAndProof, entryRange, proofByHash, type RangeLimits, type ReadableLog } from '../domain/read-log.ts';
import { withEngineErrors } from '../errors.ts';
import { decodeBase64 } from './base64.ts';
import { GROWING, IMMUTABLE } from './cache-headers.ts';

export function mountEntries(app: FastifyInstance, log: ReadableLog, limits: RangeLimits): void {
	mount(app, getEntries, async ({ query }, request) => {
		const range = await app.chassis.makeLarge(request, () =>
			withEngineErrors(() => entryRange(log, query.start, query.end, limits)),
		);
		return {
			status: 200,
			headers: range.complete ? IMMUTABLE : GROWING,
			body: { entries: range.entries.map(encodeEntry) },
		};
	});
	mount(app, getEntryAndProof, async ({ query }) => {
		const { entry, path } = await withEngineErrors(() => entryAndProof(log, query.leaf_index, query.tree_size));
		return { status: 200, headers: IMMUTABLE, body: { ...encodeEntry(entry), audit_path: path.map(toBase64) } };
	});
	mount(app, getProofByHash, async ({ query }) => {
		const hash = decodeBase64(query.hash, 'hash', 'invalid-request');
		if (hash.length !== HASH_LENGTH)
			throw new DomainError('invalid-request', `a leaf hash has ${HASH_LENGTH} bytes, ${hash.length} came`);
		const { index, path } = await withEngineErrors(() => proofByHash(log, hash, query.tree_size));
		return { status: 200, headers: IMMUTABLE, body: { leaf_index: index, audit_path: path.map(toBase64) } };
	});
}

const encodeEntry = (entry: StoredEntry) => ({
	leaf_input: toBase64(entry.leaf),
	extra_data: toBase64(entry.extra ?? new Uint8Array(0)),
});
