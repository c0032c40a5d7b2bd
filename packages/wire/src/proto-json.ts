/**
 * The corners of proto3 JSON that Sigstore's files and services use: bytes as base64, 64-bit integers as decimal
 * strings, RFC 3339 times, and `null` standing for an absent field.
 */

import { fromBase64, toBase64 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { z } from 'zod';

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected bytes');

/** Bytes in standard base64 with padding. Decodes to `Uint8Array`; everything else is an issue, never a throw. */
export const base64Bytes = z.codec(z.string(), bytes, {
	decode: (text, context) => {
		try {
			return fromBase64(text);
		} catch (error) {
			if (!(error instanceof FormatError)) throw error;
			context.issues.push({ code: 'custom', message: 'is not standard base64 with padding', input: text });
			return z.NEVER;
		}
	},
	encode: (value) => toBase64(value),
});

/** As `base64Bytes`, and at least one byte. */
export const nonEmptyBytes = base64Bytes.refine((value) => value.length > 0, 'is empty');

/**
 * A non-negative int64 that fits a JavaScript integer: a decimal string on the wire (numbers are read too, as proto3
 * JSON allows). Written as a string.
 */
export const int64String = z.codec(z.union([z.string().max(20), z.number()]), z.int().nonnegative(), {
	decode: (value, context) => {
		const number =
			typeof value === 'number' ? value : /^(0|[1-9][0-9]{0,15})$/.test(value) ? Number(value) : Number.NaN;
		if (Number.isSafeInteger(number) && number >= 0) return number;
		context.issues.push({ code: 'custom', message: 'is not a decimal integer from 0 to 2^53-1', input: value });
		return z.NEVER;
	},
	encode: (number) => String(number),
});

/** An RFC 3339 time in UTC or with an offset. Decodes to `Date`; written without a fraction when it has none. */
export const timestamp = z.codec(z.iso.datetime({ offset: true }), z.date(), {
	decode: (text) => new Date(text),
	encode: (date) => date.toISOString().replace('.000Z', 'Z'),
});

/** None of these messages nests deeper than ten levels; the bound keeps hostile values from exhausting the stack. */
const MAX_DEPTH = 32;

/**
 * proto3 JSON reads `null` as "not set". Removes such members at every depth; arrays keep their places.
 * @throws FormatError beyond 32 levels
 */
export function withoutNulls(value: unknown): unknown {
	return prune(value, 0);
}

function prune(value: unknown, depth: number): unknown {
	if (typeof value !== 'object' || value === null) return value;
	if (depth === MAX_DEPTH) throw new FormatError('JSON', `nested deeper than ${MAX_DEPTH} levels`);
	if (Array.isArray(value)) return value.map((item) => prune(item, depth + 1));
	return Object.fromEntries(
		Object.entries(value)
			.filter(([, member]) => member !== null)
			.map(([name, member]) => [name, prune(member, depth + 1)]),
	);
}
