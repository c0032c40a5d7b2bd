/**
 * The certificate transparency wire (RFC 6962 section 4) and the admin routes of our CT log.
 *
 * Binary values are standard base64 with padding and stay text here: `core/ct` gives them their structure. Unknown
 * fields are ignored in both directions, as the RFC's clients and servers do. Refusals are text, not JSON.
 */
import { z } from 'zod';
import { route } from './route.ts';
import { getCtLogStatus } from './status.ts';
import { trustReport } from './trust-report.ts';

/** More certificates than any chain of ours or of a public CA has; a bound on the work that one request may ask for. */
export const MAX_CHAIN_CERTIFICATES = 10;

/** Tree sizes, indexes and times are JSON numbers here, so that only safe integers can be carried. */
const count = z.int().nonnegative();

/** The same in a query string: decimal digits only. Callers may pass the number itself. */
const countParameter = z.union([
	count,
	z
		.string()
		.regex(/^[0-9]{1,16}$/, 'expected a decimal number')
		.transform(Number)
		.refine(Number.isSafeInteger, 'expected a number below 2^53'),
]);

const hashBase64 = z.base64();

/** What a certificate is named by: SHA-256 of its DER, in lower-case hexadecimal. */
const fingerprint = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');

/** `chain[0]` is the certificate or precertificate, each next one its issuer; the root may be left out (section 4.1). */
export const addChainRequest = z.object({
	chain: z.array(z.string().min(1)).min(1, 'the chain is empty').max(MAX_CHAIN_CERTIFICATES),
});
export type AddChainRequest = z.infer<typeof addChainRequest>;

/** A signed certificate timestamp, taken apart. `signature` is a DigitallySigned structure (section 3.2). */
export const addChainReply = z.object({
	sct_version: z.literal(0),
	id: hashBase64,
	timestamp: count,
	extensions: z.base64(),
	signature: z.base64(),
});
export type AddChainReply = z.infer<typeof addChainReply>;

export const addChain = route({
	method: 'POST',
	path: '/ct/v1/add-chain',
	summary: 'Logs a certificate and answers its signed certificate timestamp.',
	body: addChainRequest,
	replies: { 200: addChainReply },
});

export const addPreChain = route({
	method: 'POST',
	path: '/ct/v1/add-pre-chain',
	summary: 'Logs a precertificate and answers the timestamp to embed in the final certificate.',
	body: addChainRequest,
	replies: { 200: addChainReply },
});

/** A signed tree head (section 4.3); `tree_head_signature` is a DigitallySigned over a TreeHeadSignature (section 3.5). */
export const signedTreeHead = z.object({
	tree_size: count,
	timestamp: count,
	sha256_root_hash: hashBase64,
	tree_head_signature: z.base64(),
});
export type SignedTreeHead = z.infer<typeof signedTreeHead>;

export const getSth = route({
	method: 'GET',
	path: '/ct/v1/get-sth',
	summary: 'The latest signed tree head.',
	replies: { 200: signedTreeHead },
});

export const getSthConsistency = route({
	method: 'GET',
	path: '/ct/v1/get-sth-consistency',
	summary: 'Proof that the tree of `second` leaves continues the tree of `first` leaves.',
	query: z.object({ first: countParameter, second: countParameter }),
	replies: { 200: z.object({ consistency: z.array(hashBase64) }) },
});

export const getProofByHash = route({
	method: 'GET',
	path: '/ct/v1/get-proof-by-hash',
	summary: 'Index and inclusion proof of the leaf with a given leaf hash.',
	query: z.object({ hash: z.base64().min(1), tree_size: countParameter }),
	replies: { 200: z.object({ leaf_index: count, audit_path: z.array(hashBase64) }) },
});

/** Entries may be megabytes in one reply: their base64 is not checked a second time here. */
const loggedEntry = z.object({ leaf_input: z.string(), extra_data: z.string() });

export const getEntries = route({
	method: 'GET',
	path: '/ct/v1/get-entries',
	summary: 'Entries from `start` to `end` inclusive, as many of them as one reply carries.',
	query: z.object({ start: countParameter, end: countParameter }),
	replies: { 200: z.object({ entries: z.array(loggedEntry) }) },
});

export const getRoots = route({
	method: 'GET',
	path: '/ct/v1/get-roots',
	summary: 'The root certificates that chains must end in.',
	replies: { 200: z.object({ certificates: z.array(z.string()) }) },
});

export const getEntryAndProof = route({
	method: 'GET',
	path: '/ct/v1/get-entry-and-proof',
	summary: 'One entry and its inclusion proof in the tree of `tree_size` leaves.',
	query: z.object({ leaf_index: countParameter, tree_size: countParameter }),
	replies: { 200: loggedEntry.extend({ audit_path: z.array(hashBase64) }) },
});

/** What log lists say about a log (the v3 schema of the public lists); `mmd` is in seconds. */
export const logDescription = z.object({
	description: z.string(),
	log_id: hashBase64,
	key: z.base64(),
	url: z.string(),
	mmd: count,
});

export type LogDescription = z.infer<typeof logDescription>;

export const getLogDescription = route({
	method: 'GET',
	path: '/log.v3.json',
	summary: 'Key, id and merge delay of this log in the form of a log list entry.',
	replies: { 200: logDescription },
});

/** The latest tree head as a signed note (https://c2sp.org/static-ct-api). */
export const getCheckpoint = route({
	method: 'GET',
	path: '/checkpoint',
	summary: 'The latest tree head as a signed note.',
	replies: { 200: 'text' },
});

/** What follows `tile/` in a path: `<L>/<N>[.p/<W>]`, or `data/<N>[.p/<W>]` for entries. */
export const getTile = route({
	method: 'GET',
	path: '/tile/*',
	summary: 'A tile of hashes, or of entries.',
	params: z.object({ '*': z.string() }),
	replies: { 200: 'bytes' },
});

/** By the fingerprint with which data tiles name their chains. */
export const getIssuer = route({
	method: 'GET',
	path: '/issuer/:fingerprint',
	summary: 'A certificate of a logged chain, DER.',
	params: z.object({ fingerprint }),
	replies: { 200: 'bytes' },
	replyType: 'application/pkix-cert',
});

/** `added`: it was not known before; `reinstated`: it had been retired. Neither when it was accepted already. */
export const registeredRoot = z.object({ sha256: fingerprint, added: z.boolean(), reinstated: z.boolean() });

/** On the admin listener: accepts the root of the chain in a certificate authority's own trust report. */
export const registerRoot = route({
	method: 'POST',
	path: '/admin/v1/roots',
	summary: 'Accepts the root of the certificate authority whose signed report is sent.',
	query: z.object({
		reinstate: z
			.literal('true')
			.optional()
			.describe('Accepts a root again that was retired, which is refused without.'),
	}),
	body: trustReport,
	replies: { 200: registeredRoot, 201: registeredRoot },
});

/** On the admin listener: no new chain is accepted under this root; what was logged under it stays. */
export const retireRoot = route({
	method: 'POST',
	path: '/admin/v1/roots/:sha256/retire',
	summary: 'Retires an accepted root.',
	params: z.object({ sha256: fingerprint }),
	body: z.strictObject({ reason: z.string().trim().min(1).max(500).describe('Stays on record beside the root.') }),
	replies: { 200: z.object({ sha256: fingerprint, retiredAt: z.iso.datetime() }) },
});

/** On the admin listener: every root that was ever accepted, oldest first. */
export const listRoots = route({
	method: 'GET',
	path: '/admin/v1/roots',
	summary: 'All roots, also retired ones, and what happened to them last.',
	replies: {
		200: z.object({
			roots: z.array(
				z.object({
					sha256: fingerprint,
					subject: z.string(),
					state: z.enum(['accepted', 'retired']),
					registeredAt: z.iso.datetime(),
					registeredBy: z.string(),
					lastChange: z
						.object({
							change: z.enum(['retired', 'reinstated']),
							changedAt: z.iso.datetime(),
							changedBy: z.string(),
							reason: z.string(),
						})
						.optional(),
				}),
			),
		}),
	},
});

/** Operation id -> route of the public listener. */
export const CT_ROUTES = {
	addChain,
	addPreChain,
	getSth,
	getSthConsistency,
	getProofByHash,
	getEntries,
	getRoots,
	getEntryAndProof,
	getLogDescription,
	getCheckpoint,
	getTile,
	getIssuer,
	getCtLogStatus,
};

/** Operation id -> route of the admin listener, beside those that every service has. */
export const CT_ADMIN_ROUTES = { listRoots, registerRoot, retireRoot };
