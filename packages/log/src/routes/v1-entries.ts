/**
 * Writing entries to the v1 log and reading them back, one at a time or several.
 */
import { mount } from '@chancery/chassis/http/mount';
import { createLogEntry, getLogEntryByIndex, getLogEntryByUuid, searchLog } from '@chancery/wire/rekor-v1';
import type { FastifyInstance } from 'fastify';
import { type CreateV1Deps, createEntryV1 } from '../domain/create-entry-v1.ts';
import { formatEntryId } from '../domain/entry-id.ts';
import { findByIndex } from '../domain/proven-entry.ts';
import { findByName, retrieveEntries } from '../domain/retrieve-entries.ts';
import { NO_CACHE } from './v1-log.ts';
import { encodeLogEntry } from './v1-log-entry.ts';

const NOT_FOUND = { status: 404, body: undefined } as const;

/** As its framework does; a body without a media type is read all the same. */
export const JSON_ONLY = { requireJson: 'when-named' } as const;

export function mountV1Entries(app: FastifyInstance, deps: CreateV1Deps): void {
	const { v1 } = deps;

	mount(
		app,
		createLogEntry,
		async ({ body }) => {
			const logged = await createEntryV1(deps, body);
			const entryId = formatEntryId(v1.treeId, logged.leafHash);
			return {
				status: 201,
				// Not a valid entity tag without quotes, but clients take it for the entry's name as it stands.
				headers: {
					etag: entryId,
					location: `/api/v1/log/entries/${entryId}`,
					...(logged.duplicate ? { 'x-chancery-duplicate': 'true' } : {}),
				},
				body: encodeLogEntry(v1, logged),
			};
		},
		JSON_ONLY,
	);

	mount(app, getLogEntryByIndex, async ({ query }) => {
		const entry = await findByIndex(v1.log, query.logIndex);
		return entry ? { status: 200, headers: NO_CACHE, body: encodeLogEntry(v1, entry) } : NOT_FOUND;
	});

	mount(app, getLogEntryByUuid, async ({ params }) => {
		const entry = await findByName(v1, params.entryUUID);
		return entry ? { status: 200, headers: NO_CACHE, body: encodeLogEntry(v1, entry) } : NOT_FOUND;
	});

	mount(
		app,
		searchLog,
		async ({ body }, request) => {
			const entries = await app.chassis.makeLarge(request, () => retrieveEntries(deps, body));
			return { status: 200, body: entries.map((entry) => encodeLogEntry(v1, entry)) };
		},
		JSON_ONLY,
	);
}
