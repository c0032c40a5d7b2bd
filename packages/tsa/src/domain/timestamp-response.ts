/** The answer around a token, or instead of one: TimeStampResp and PKIStatusInfo (RFC 3161 section 2.4.2). */
import { derInteger, derNamedBits, derSequence, derUtf8 } from '@chancery/core/der';

const STATUS_GRANTED = 0;
const STATUS_REJECTION = 2;

/** DER of a TimeStampResp that grants: status 0 and the token. */
export function encodeGranted(token: Uint8Array): Uint8Array {
	return derSequence(derSequence(derInteger(STATUS_GRANTED)), token);
}

/** DER of a TimeStampResp that refuses: status 2, one sentence, and the bit of PKIFailureInfo. There is no token. */
export function encodeRejection(statusString: string, failureBit: number): Uint8Array {
	return derSequence(
		derSequence(derInteger(STATUS_REJECTION), derSequence(derUtf8(statusString)), derNamedBits([failureBit])),
	);
}
