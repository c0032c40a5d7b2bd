/**
 * Reading the parts of a proposed v1 entry: what is wrong with them is said in the words that clients expect.
 */
import { describeProblems } from '@chancery/chassis/describe-problems';
import { DomainError } from '@chancery/chassis/domain-error';
import { fromBase64 } from '@chancery/core/bytes';
import { preAuthEncode } from '@chancery/core/dsse';
import { FormatError } from '@chancery/core/format-error';
import type { z } from 'zod';

/** The part by its schema. @throws DomainError `invalid-entry` */
export function parsePart<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
	const result = schema.safeParse(value);
	if (!result.success) throw invalidEntry(describeProblems(result.error));
	return result.data;
}

/** Standard base64 with padding. @throws DomainError `invalid-entry` */
export function base64Part(name: string, text: string): Uint8Array {
	try {
		return fromBase64(text);
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw invalidEntry(`${name} is not standard base64`, cause);
	}
}

/** What a DSSE envelope's signatures are over. A payload type may hold half a surrogate pair. @throws DomainError `invalid-entry` */
export function envelopeEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
	try {
		return preAuthEncode(payloadType, payload);
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw invalidEntry('the payload type is not valid Unicode', cause);
	}
}

export function invalidEntry(detail: string, cause?: unknown): DomainError {
	return new DomainError('invalid-entry', `${detail}`, { cause });
}

export function signatureMismatch(detail: string): DomainError {
	return new DomainError('signature-mismatch', detail);
}
