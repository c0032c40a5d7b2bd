/**
 * The REST wire of a Rekor v1 signature log: routes under `/api/v1`, entries as base64 JSON with a signed entry
 * timestamp (SET), an inclusion proof in hex and a checkpoint.
 *
 * Go clients write unset lists as `null` and unset strings as "", so that both stand for "absent" in searches.
 */
import { z } from 'zod';
import { route } from './route.ts';
import { getSignatureLogStatus } from './status.ts';
import { trustReport } from './trust-report.ts';

/** As many entries as one retrieval may ask for, all lists together. */
export const MAX_RETRIEVED_ENTRIES = 10;

const count = z.int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** A whole number in a query string; callers may pass the number itself. */
const countParameter = (minimum: number) =>
	z.union(
		[
			z.int().min(minimum),
			z
				.string()
				.regex(/^[0-9]{1,16}$/)
				.transform(Number)
				.refine((value) => Number.isSafeInteger(value) && value >= minimum),
		],
		{ error: `must be of type int64 and at least ${minimum}` },
	);

/** 16 hex digits of tree id and 64 of leaf hash: how every answer names an entry. */
export const entryId = z.string().regex(/^[0-9a-f]{80}$/);

/** How a request may name an entry: the leaf hash alone, or with the tree id before it. */
export const entryUuid = z
	.string()
	.regex(/^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$/, "should match '^([0-9a-fA-F]{64}|[0-9a-fA-F]{80})$'");

/** `logIndex` is the index within the tree, `hashes` run from leaf to root, `checkpoint` is the signed note as text. */
export const inclusionProof = z.object({
	checkpoint: z.string(),
	hashes: z.array(hash),
	logIndex: count,
	rootHash: hash,
	treeSize: count,
});

/** `body` is base64 of the canonical leaf, `integratedTime` unix seconds, `logID` hex SHA-256 of the log key's SPKI. */
export const logEntryContent = z.object({
	body: z.string(),
	integratedTime: count,
	logID: hash,
	logIndex: count,
	attestation: z.object({ data: z.string() }).optional(),
	verification: z.object({ inclusionProof, signedEntryTimestamp: z.string() }),
});
export type LogEntryContent = z.infer<typeof logEntryContent>;

/** A map with one member, named by the entry's id. */
export const logEntry = z.record(entryId, logEntryContent);
export type LogEntry = z.infer<typeof logEntry>;

/** What a client proposes to log. The shape of `spec` is the kind's: see `kinds/`. */
export const proposedEntry = z.strictObject({
	kind: z.string().min(1).max(64),
	apiVersion: z
		.string()
		.max(64)
		.regex(/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([-+][0-9A-Za-z.+-]+)?$/, 'should be a semantic version'),
	spec: z.record(z.string(), z.unknown()),
});
export type ProposedEntry = z.infer<typeof proposedEntry>;

const NO_BODY = 'none';

export const createLogEntry = route({
	method: 'POST',
	path: '/api/v1/log/entries',
	summary: 'Logs an entry; the answer carries its proof in the tree that is published by then.',
	body: proposedEntry,
	replies: { 201: logEntry },
});

export const getLogEntryByIndex = route({
	method: 'GET',
	path: '/api/v1/log/entries',
	summary: 'The entry at an index of the log. A 404 has no body.',
	query: z.object({ logIndex: countParameter(0) }),
	replies: { 200: logEntry, 404: NO_BODY },
});

export const getLogEntryByUuid = route({
	method: 'GET',
	path: '/api/v1/log/entries/:entryUUID',
	summary: 'The entry with a leaf hash, with or without the tree id before it. A 404 has no body.',
	params: z.object({ entryUUID: entryUuid }),
	replies: { 200: logEntry, 404: NO_BODY },
});

const retrievedList = <Item extends z.ZodType>(item: Item) => z.array(item).min(1).max(MAX_RETRIEVED_ENTRIES).nullish();

/** What is looked for: the union of all lists, which may have `MAX_RETRIEVED_ENTRIES` items together. Proposed entries are verified as if they were to be logged. */
export const searchLogQuery = z.object({
	entryUUIDs: retrievedList(entryUuid),
	logIndexes: retrievedList(count),
	entries: retrievedList(proposedEntry),
});
export type SearchLogQuery = z.infer<typeof searchLogQuery>;

export const searchLog = route({
	method: 'POST',
	path: '/api/v1/log/entries/retrieve',
	summary: 'Up to ten entries by UUID, index or proposed entry; what is not in the log is left out.',
	body: searchLogQuery,
	replies: { 200: z.array(logEntry) },
});

/** Search terms: SHA-1, SHA-256 or SHA-512 digests with or without their prefix, identities, and keys. */
export const searchIndexQuery = z.object({
	email: z
		.string()
		.max(512)
		.regex(/^$|^[^@\s]+@[^@\s]+$/, 'must be an e-mail address')
		.nullish(),
	subject: z.string().max(512).nullish(),
	hash: z
		.string()
		.regex(/^$|^(sha512:)?[0-9a-fA-F]{128}$|^(sha256:)?[0-9a-fA-F]{64}$|^(sha1:)?[0-9a-fA-F]{40}$/, 'is not a digest')
		.nullish(),
	publicKey: z
		.object({
			format: z.enum(['pgp', 'x509', 'minisign', 'ssh', 'tuf']),
			content: z.string().nullish(),
		})
		.nullish(),
	operator: z.enum(['and', 'or', '']).nullish(),
});
export type SearchIndexQuery = z.infer<typeof searchIndexQuery>;

/** As many ids as one answer of the index search carries. */
export const MAX_FOUND_ENTRIES = 10_000;

/**
 * In the answer of a search that there is more to: `before` of the next page. Without it everything was found. Clients of
 * Rekor know no pages, and see the newest entries.
 */
export const NEXT_BEFORE_HEADER = 'x-chancery-next-before';

export const searchIndex = route({
	method: 'POST',
	path: '/api/v1/index/retrieve',
	summary: 'Ids of the entries with a hash, an identity or a key, newest first, in pages.',
	query: z.object({
		before: countParameter(0).optional(),
		limit: countParameter(1).pipe(z.int().max(MAX_FOUND_ENTRIES)).default(MAX_FOUND_ENTRIES),
	}),
	body: searchIndexQuery,
	replies: { 200: z.array(entryId) },
});

const logInfoShard = z.object({ rootHash: hash, treeSize: count, signedTreeHead: z.string(), treeID: z.string() });

/** Size, root and checkpoint of the active tree; `inactiveShards` run from the oldest to the newest. */
export const logInfo = z.object({
	rootHash: hash,
	treeSize: count,
	signedTreeHead: z.string(),
	treeID: z.string(),
	inactiveShards: z.array(logInfoShard),
});
export type LogInfo = z.infer<typeof logInfo>;

export const getLogInfo = route({
	method: 'GET',
	path: '/api/v1/log',
	summary: 'The published tree head.',
	replies: { 200: logInfo },
});

export const getPublicKey = route({
	method: 'GET',
	path: '/api/v1/log/publicKey',
	summary: 'PEM of the key that signs SETs and checkpoints.',
	query: z.object({ treeID: z.string().optional() }),
	replies: { 200: 'text' },
	replyType: 'application/x-pem-file',
});

/** Hashes of a consistency proof (RFC 6962 section 2.1.2), and the root of the newest tree, not of `lastSize`. */
export const consistencyProof = z.object({ rootHash: hash, hashes: z.array(hash) });

export const getLogProof = route({
	method: 'GET',
	path: '/api/v1/log/proof',
	summary: 'Proof that the tree of `lastSize` leaves continues the tree of `firstSize` leaves.',
	query: z.object({
		firstSize: countParameter(1).default(1),
		lastSize: countParameter(1),
		treeID: z.string().optional(),
	}),
	replies: { 200: consistencyProof },
});

export const ping = route({
	method: 'GET',
	path: '/ping',
	summary: 'Returns a dot.',
	replies: { 200: 'text' },
});

export const getTrustReportV1 = route({
	method: 'GET',
	path: '/admin/v1/trust/v1',
	summary: 'What the v1 log is in the root of trust, signed with its own key. On the admin listener.',
	replies: { 200: trustReport },
});

/** Operation id -> route of the v1 listener. */
export const REKOR_V1_ROUTES = {
	createLogEntry,
	getLogEntryByIndex,
	getLogEntryByUuid,
	searchLog,
	searchIndex,
	getLogInfo,
	getPublicKey,
	getLogProof,
	ping,
	getSignatureLogStatus,
};
