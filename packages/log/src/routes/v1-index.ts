/**
 * The index search of the v1 wire.
 */
import { mount } from '@chancery/chassis/mount';
import { searchIndex as searchIndexRoute } from '@chancery/wire/rekor-v1';
import type { FastifyInstance } from 'fastify';
import { type SearchIndexDeps, searchIndex } from '../domain/search-index.ts';
import { JSON_ONLY } from './v1-entries.ts';

export function mountV1Index(app: FastifyInstance, deps: SearchIndexDeps): void {
	mount(app, searchIndexRoute, async ({ body }) => ({ status: 200, body: await searchIndex(deps, body) }), JSON_ONLY);
}
