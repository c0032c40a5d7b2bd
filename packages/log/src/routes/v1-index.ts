/**
 * The index search of the v1 wire.
 */
import { mount } from '@chancery/chassis/mount';
import type { Sql } from '@chancery/postgres/sql';
import { searchIndex as searchIndexRoute } from '@chancery/wire/rekor-v1';
import type { FastifyInstance } from 'fastify';
import { searchIndex } from '../domain/search-index.ts';
import type { SignatureLogV1 } from '../domain/signature-log.ts';

export function mountV1Index(app: FastifyInstance, deps: { readonly v1: SignatureLogV1; readonly sql: Sql }): void {
	mount(app, searchIndexRoute, async ({ body }) => ({ status: 200, body: await searchIndex(deps, body) }));
}
