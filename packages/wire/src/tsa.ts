/**
 * The timestamp authority's wire: RFC 3161 over HTTP (section 3.4) and the JSON form of the same request that Sigstore's
 * JavaScript client sends. The answer is always DER.
 */
import { z } from 'zod';
import { type Route, route } from './route.ts';
import { getTsaStatus } from './status.ts';

export const TIMESTAMP_QUERY_TYPE = 'application/timestamp-query';
export const TIMESTAMP_REPLY_TYPE = 'application/timestamp-reply';
const PEM_CHAIN_TYPE = 'application/pem-certificate-chain';

/** Requests are small; larger ones are an attack on the parser. */
export const MAX_QUERY_BYTES = 16 * 1024;
export const MAX_JSON_QUERY_BYTES = 1024;

/** The JSON names of the digests that may be timestamped. Compared without regard to case. */
export const TIMESTAMP_HASHES = ['sha256', 'sha384', 'sha512'] as const;
export type TimestampHash = (typeof TIMESTAMP_HASHES)[number];

/**
 * A JSON request. `artifactHash` is the standard base64 of the digest. A nonce may be any integer: a number on the wire
 * would lose digits in JavaScript, so that the parser hands its decimal text over and callers send a plain number.
 */
export const timestampJsonRequest = z.object({
	artifactHash: z.base64(),
	hashAlgorithm: z.string().max(16).toLowerCase(),
	certificates: z.boolean().default(false),
	nonce: z.union([z.int(), z.string().regex(/^-?(0|[1-9][0-9]*)$/, 'expected an integer')]).optional(),
	tsaPolicyOID: z.string().max(512).optional(),
});
export type TimestampJsonRequest = z.infer<typeof timestampJsonRequest>;

const replies = { 200: 'bytes', 201: 'bytes' } as const;

/** The body is the DER of a TimeStampReq; a body of type `application/json` is read as `timestampJsonRequest`. */
export const timestamp = route({
	method: 'POST',
	path: '/api/v1/timestamp',
	summary: 'Returns a TimeStampResp for a digest.',
	body: 'bytes',
	bodyType: TIMESTAMP_QUERY_TYPE,
	replies,
	replyType: TIMESTAMP_REPLY_TYPE,
});

/** The JSON form of `timestamp`, for callers. */
export const timestampJson = route({
	method: 'POST',
	path: '/api/v1/timestamp',
	summary: 'Returns a TimeStampResp (DER) for a digest given in JSON.',
	body: timestampJsonRequest,
	replies,
	replyType: TIMESTAMP_REPLY_TYPE,
});

/** Where other authorities have their endpoint, so that scripts written for them work: `/tsr` and the bare host. */
export const timestampAliases: readonly (typeof timestamp)[] = ['/tsr', '/'].map(
	(path) => ({ ...timestamp, path }) as typeof timestamp,
);

export const getTimestampCertChain = route({
	method: 'GET',
	path: '/api/v1/timestamp/certchain',
	summary: 'The certificate chain of the authority in PEM: its own certificate first, the root last.',
	replies: { 200: 'text' },
	replyType: PEM_CHAIN_TYPE,
});

export const ping = route({
	method: 'GET',
	path: '/ping',
	summary: 'Returns a single dot while the authority is up.',
	replies: { 200: 'text' },
}) satisfies Route;

/** Operation id -> route of the public listener. Two on one path are one operation with two media types. */
export const TSA_ROUTES = {
	timestamp,
	timestampJson,
	...Object.fromEntries(
		timestampAliases.flatMap((alias) => {
			const name = (alias.path as string) === '/' ? 'timestampAtRoot' : 'timestampAtTsr';
			return [
				[name, alias],
				[`${name}Json`, { ...timestampJson, path: alias.path }],
			];
		}),
	),
	getTimestampCertChain,
	ping,
	getTsaStatus,
};
