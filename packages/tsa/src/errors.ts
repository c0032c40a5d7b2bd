/** How each error of the authority is answered: the HTTP status, and the PKIFailureInfo when DER is requested. */
import { CHASSIS_ERRORS, type ErrorTable } from '@chancery/chassis/http/error-rendering';

export const TSA_ERRORS: ErrorTable = {
	...CHASSIS_ERRORS,
	'malformed-query': { status: 400, title: 'The timestamp query cannot be read' },
	'query-too-large': { status: 400, title: 'The timestamp query is too large' },
	'unknown-query-type': { status: 400, title: 'The body is of no type that a timestamp query has' },
	'unaccepted-hash': { status: 400, title: 'The digest algorithm is not accepted' },
	'wrong-digest-length': { status: 400, title: 'The digest has another length than its algorithm' },
	'unaccepted-policy': { status: 400, title: 'The policy is not offered' },
	'unaccepted-extension': { status: 400, title: 'The extension is not accepted' },
	'clock-behind': { status: 503, title: 'The clock went back' },
	'clock-apart': { status: 503, title: 'The clocks of this authority and its database disagree' },
	'time-not-kept': { status: 503, title: 'The time that was reached cannot be written down' },
	'certificate-not-valid': { status: 503, title: 'The certificate of the authority is not valid now' },
	'signing-failed': { status: 500, title: 'The token could not be signed' },
};

/** Bit numbers of PKIFailureInfo (RFC 3161 section 2.4.2). */
const FAILURE_BITS: Readonly<Record<string, number>> = {
	'malformed-query': 5,
	'query-too-large': 2,
	'unaccepted-hash': 0,
	'wrong-digest-length': 5,
	'unaccepted-policy': 15,
	'unaccepted-extension': 16,
	'clock-behind': 14,
	'clock-apart': 14,
	'time-not-kept': 14,
	'certificate-not-valid': 25,
	'signing-failed': 25,
};

/** The PKIFailureInfo bit of an error; undefined when RFC 3161 has none for it. */
export function failureBitOf(code: string): number | undefined {
	return Object.hasOwn(FAILURE_BITS, code) ? FAILURE_BITS[code] : undefined;
}

/** The HTTP status of an error; 500 for an unknown code. */
export function statusOf(code: string): number {
	return (Object.hasOwn(TSA_ERRORS, code) ? TSA_ERRORS[code]?.status : undefined) ?? 500;
}
