/**
 * Reading the parts of a proposed entry: what is wrong with them is said in the words that clients expect.
 */
import { fromBase64 } from '@chancery/core/bytes';
import { preAuthEncode } from '@chancery/core/dsse';
import { FormatError } from '@chancery/core/format-error';
import { invalidEntry } from './entry-refusal.ts';

/** Standard base64 with padding. @throws {EntryRefusal} `invalid-entry` */
export function base64Part(name: string, text: string): Uint8Array {
	return partOf(`${name} is not standard base64`, () => fromBase64(text));
}

/** What a DSSE envelope's signatures are over. A payload type may hold half a surrogate pair. @throws {EntryRefusal} `invalid-entry` */
export function envelopeEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
	return partOf('the payload type is not valid Unicode', () => preAuthEncode(payloadType, payload));
}

/** Returns what `read` reads. @throws {EntryRefusal} `invalid-entry` with these words when it throws a FormatError */
export function partOf<T>(problem: string, read: () => T): T {
	try {
		return read();
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw invalidEntry(problem, cause);
	}
}
