/**
 * The index search of the v1 wire.
 */
import { mount } from '@chancery/chassis/http/mount';
import { NEXT_BEFORE_HEADER, searchIndex as searchIndexRoute } from '@chancery/wire/rekor-v1';
import type { FastifyInstance } from 'fastify';
import { type SearchIndexDeps, searchIndex } from '../domain/search-index.ts';
import { JSON_ONLY } from './v1-entries.ts';

/** A search names a hash, an identity and a key, or certificates in its place. */
const MAX_SEARCH_BYTES = 256 * 1024;

export function mountV1Index(app: FastifyInstance, deps: SearchIndexDeps): void {
	mount(
		app,
		searchIndexRoute,
		async ({ body, query }) => {
			const { ids, nextBefore } = await searchIndex(deps, body, query);
			const headers = nextBefore === undefined ? {} : { [NEXT_BEFORE_HEADER]: String(nextBefore) };
			return { status: 200, headers, body: ids };
		},
		{ ...JSON_ONLY, maxBodyBytes: MAX_SEARCH_BYTES },
	);
}
