/**
 * The wire of a Rekor v2 signature log: one write call in proto3 JSON, and reads as static resources in the layout of
 * C2SP tlog-tiles (https://c2sp.org/tlog-tiles).
 *
 * The reads are served twice: below `/api/v2`, where the specification has them, and at the root, where tile readers
 * that know only the log's URL look.
 */

import { z } from 'zod';
import { v2RequestMembers } from './kinds/entry-kinds.ts';
import { strictMessage } from './proto-json.ts';
import { type Route, route } from './route.ts';
import { getSignatureLogStatus } from './status.ts';
import { transparencyLogEntry } from './transparency-log-entry.ts';
import { trustReport } from './trust-report.ts';

/** A oneof: exactly one of the members is set. */
export const createEntryRequest = strictMessage(v2RequestMembers).refine(
	(request) => Object.values(request).filter((member) => member !== undefined).length === 1,
	`invalid type, must be either ${Object.keys(v2RequestMembers).join(' or ')}`,
);
export type CreateEntryRequest = z.output<typeof createEntryRequest>;

export const createEntry = route({
	method: 'POST',
	path: '/api/v2/log/entries',
	summary: 'Logs an entry and waits until a published checkpoint covers it.',
	body: createEntryRequest,
	replies: { 201: transparencyLogEntry },
});

const checkpointReads = {
	method: 'GET',
	summary: 'The newest checkpoint, a signed note.',
	replies: { 200: 'text', 404: 'text' },
} as const satisfies Omit<Route, 'path'>;

export const getCheckpoint = route({ ...checkpointReads, path: '/api/v2/checkpoint' });
export const getCheckpointAtRoot = route({ ...checkpointReads, path: '/checkpoint' });

/** `*` is `<level>/<index>[.p/<width>]` or `entries/<index>[.p/<width>]`, the index in groups of three digits. */
const tileReads = {
	method: 'GET',
	summary: 'A tile of hashes or a bundle of entries, full or partial.',
	params: z.object({ '*': z.string() }),
	replies: { 200: 'bytes', 404: 'text' },
} as const satisfies Omit<Route, 'path'>;

export const getTile = route({ ...tileReads, path: '/api/v2/tile/*' });
export const getTileAtRoot = route({ ...tileReads, path: '/tile/*' });

export const getHealth = route({
	method: 'GET',
	path: '/healthz',
	summary: 'The gRPC health status of the log, as JSON.',
	replies: { 200: z.object({ status: z.literal('SERVING') }) },
});

export const getTrustReportV2 = route({
	method: 'GET',
	path: '/admin/v1/trust/v2',
	summary: 'What the v2 log is in the root of trust, signed with its own key. On the admin listener.',
	replies: { 200: trustReport },
});

/** Operation id -> route of the v2 listener. */
export const REKOR_V2_ROUTES = {
	createEntry,
	getCheckpoint,
	getTile,
	getCheckpointAtRoot,
	getTileAtRoot,
	getHealth,
	getSignatureLogStatus,
};
