/**
 * Every refusal of the signature log, with its status on each wire. Nothing else in this package knows statuses.
 */
import type { ErrorTable } from '@chancery/chassis/http/error-rendering';

/** Codes of the write path and of reads, common to both wires. */
const LOG_ERRORS = {
	'invalid-entry': { status: 400, title: 'The entry is not valid' },
	'kind-not-enabled': { status: 400, title: 'This kind of entry is not accepted here' },
	'algorithm-not-allowed': { status: 400, title: 'This signing algorithm is not accepted here' },
	'signature-mismatch': { status: 400, title: 'The signature does not verify' },
	'entry-refused': { status: 400, title: 'The log cannot store this entry' },
	'entry-too-large': { status: 400, title: 'The entry is too large for the log' },
	'log-read-only': { status: 503, title: 'The log accepts no entries' },
	'clock-skew': { status: 503, title: 'The clocks of log and database disagree' },
	'clock-lead': { status: 503, title: 'The clock is not in order' },
	'proof-failed': { status: 500, title: 'The log made a proof that does not verify' },
} as const satisfies ErrorTable;

/** Rekor v1: `{code,message}` with the HTTP status; what its framework refuses before the handler is 422. */
export const V1_ERRORS = {
	...LOG_ERRORS,
	'invalid-request': { status: 422, title: 'The request is not valid' },
	'invalid-entry-id': { status: 400, title: 'The entry id is not valid' },
	'unknown-tree': { status: 400, title: 'There is no such tree' },
	'invalid-range': { status: 400, title: 'The tree sizes make no range' },
	'unsupported-key-format': { status: 400, title: 'The key format is not supported' },
	'invalid-public-key': { status: 400, title: 'The public key is not valid' },
	'duplicate-entry': { status: 409, title: 'The entry is in the log' },
} as const satisfies ErrorTable;

/** Rekor v2: the shape of a gRPC gateway. */
export const V2_ERRORS = {
	...LOG_ERRORS,
	'duplicate-entry': { status: 409, title: 'The entry is in the log', grpcCode: 6 },
	overloaded: { status: 503, title: 'reached max pushback; retry', grpcCode: 14 },
	// Its gateway's answer to a wrong method; 405 says that the log is frozen.
	'method-not-allowed': { status: 501, title: 'Method Not Allowed', grpcCode: 12 },
} as const satisfies ErrorTable;
