/**
 * proto3 JSON (https://protobuf.dev/programming-guides/json/) as Go's protojson reads it, which most of Sigstore's
 * clients and servers stand on: a value has several legal spellings, and one that we write.
 *
 * - members by their camelCase or their declared name, `null` for "not set", a name in both spellings refused;
 * - bytes in the standard or the URL alphabet, with or without padding;
 * - integers as numbers or decimal strings, enumerations by name or number;
 * - times as RFC 3339.
 *
 * Written is one spelling: camelCase names, padded standard base64, 64-bit integers as strings, names of enumerations.
 */

import { fromBase64, toBase64 } from '@chancery/core/bytes';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { FormatError } from '@chancery/core/format-error';
import { z } from 'zod';

const uint8Array = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'expected bytes');

/** Bytes in any legal spelling. Decodes to `Uint8Array`; everything else is an issue, never a throw. */
export const base64Bytes = z.codec(z.string().meta({ contentEncoding: 'base64' }), uint8Array, {
	decode: (text, context) => {
		try {
			return fromBase64(standardBase64(text));
		} catch (error) {
			if (!(error instanceof FormatError)) throw error;
			context.issues.push({ code: 'custom', message: 'is not base64', input: text });
			return z.NEVER;
		}
	},
	encode: (value) => toBase64(value),
});

/**
 * Other spellings of base64 in the one that `fromBase64` reads. As protojson does, the text is of one alphabet, its
 * padding is there as a whole or not at all, and line ends do not count. Bits behind the last byte stay refused.
 */
function standardBase64(text: string): string {
	const digits = /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, '') : text;
	const isUrlAlphabet = /[-_]/.test(digits);
	if (isUrlAlphabet && /[+/]/.test(digits)) return text;
	const standard = isUrlAlphabet ? digits.replaceAll('-', '+').replaceAll('_', '/') : digits;
	return standard.endsWith('=') ? standard : standard.padEnd(Math.ceil(standard.length / 4) * 4, '=');
}

/** As `base64Bytes`, and at least one byte. */
export const nonEmptyBytes = base64Bytes.refine((value) => value.length > 0, 'is empty');

/** A JSON number: sign, digits, fraction, exponent. The bound keeps the arithmetic on it small. */
const JSON_NUMBER = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,3}))?$/;
const MAX_NUMBER_CHARS = 32;

/**
 * The integer that the text of a JSON number stands for, exactly, or NaN when it stands for none: `10`, `1e1` and
 * `10.0` are ten. A conversion to floating point would round what is beyond 2^53 before anyone could notice.
 */
function integerOf(text: string): number {
	const match = text.length <= MAX_NUMBER_CHARS ? JSON_NUMBER.exec(text) : null;
	if (!match) return Number.NaN;
	const [, sign, whole = '', fraction = '', exponent = '0'] = match;
	const digits = whole + fraction;
	const pointAt = whole.length + Number(exponent);
	if (/[1-9]/.test(digits.slice(Math.max(0, pointAt)))) return Number.NaN;
	const significant = digits.slice(0, Math.max(0, pointAt)).replace(/^0+/, '');
	if (significant === '') return 0;
	const zeros = pointAt - digits.length;
	if (significant.length + Math.max(0, zeros) > 16) return Number.NaN;
	return Number(`${sign}${significant}${'0'.repeat(Math.max(0, zeros))}`);
}

/** A number, or the text of one. */
const numeral = z.union([z.number(), z.string().max(MAX_NUMBER_CHARS)]);

/**
 * A non-negative int64 that fits a JavaScript integer: a decimal string or a number on the wire, written as a string.
 */
export const int64String = z.codec(numeral, z.int().nonnegative(), {
	decode: decodeInteger,
	encode: (number) => String(number),
});

/** A non-negative int32: a number or a decimal string on the wire, written as a number. */
export const int32Number = z.codec(numeral, z.int().max(2 ** 31 - 1), {
	decode: decodeInteger,
	encode: (number) => number,
}) as unknown as z.ZodType<number, number>;

function decodeInteger(value: string | number, context: z.core.ParsePayload): number {
	const number = typeof value === 'number' ? value : integerOf(value);
	// The sum makes the zero of "-0" an ordinary one.
	if (Number.isSafeInteger(number) && number >= 0) return number + 0;
	context.issues.push({ code: 'custom', message: 'is not a decimal integer from 0 to 2^53-1', input: value });
	return z.NEVER;
}

/**
 * A value of an enumeration: its name, or its number on the wire. Decodes to the name; a number that `names` does not
 * have becomes its decimal text, which no rule knows: proto3 enumerations are open, so that it is no parse error.
 */
export function enumeration(names: Readonly<Record<number, string>>) {
	return z.codec(
		z.union([
			z
				.string()
				.max(64)
				.regex(/^[A-Za-z_]/),
			z.int(),
		]),
		z.string(),
		{
			decode: (value) => (typeof value === 'number' ? (names[value] ?? String(value)) : value),
			encode: (name) => (/^-?[0-9]+$/.test(name) ? Number(name) : name),
		},
	);
}

/** An RFC 3339 time in UTC or with an offset. Decodes to `Date`; written without a fraction when it has none. */
export const timestamp = z.codec(z.string().max(64), z.date(), {
	decode: (text, context) => {
		try {
			return parseRfc3339(text);
		} catch (error) {
			if (!(error instanceof FormatError)) throw error;
			context.issues.push({ code: 'custom', message: `is no time: ${error.message}`, input: text });
			return z.NEVER;
		}
	},
	encode: (date) => date.toISOString().replace('.000Z', 'Z'),
});

/**
 * A message that must not have members beyond `shape`. `sameNames` are those whose declared name is the JSON name
 * already, so that they have one spelling.
 */
export function strictMessage<Shape extends z.ZodRawShape>(shape: Shape, sameNames: readonly string[] = []) {
	return byEitherName(z.strictObject(shape), sameNames);
}

/** A message whose unknown members are dropped: newer versions may have some that an older reader does not need. */
export function lenientMessage<Shape extends z.ZodRawShape>(shape: Shape) {
	return byEitherName(z.object(shape), []);
}

/**
 * Reads members by either of their names, `null` as absent, own members only. A member under both names is refused,
 * one of them `null` or not, because readers disagree about which one counts.
 */
function byEitherName<Fields extends z.ZodObject>(fields: Fields, sameNames: readonly string[]) {
	const names = new Map<string, string>();
	for (const name of Object.keys(fields.shape)) {
		names.set(name, name);
		if (!sameNames.includes(name)) names.set(declaredName(name), name);
	}
	const codec = z.codec(z.unknown(), fields, {
		decode: (json, context) => {
			if (typeof json !== 'object' || json === null || Array.isArray(json)) return json as never;
			const members = new Map<string, unknown>();
			for (const [given, value] of Object.entries(json)) {
				const name = names.get(given) ?? given;
				if (members.has(name)) {
					const message = `is there twice, as ${name} and as ${declaredName(name)}`;
					context.issues.push({ code: 'custom', message, path: [name], input: json });
				}
				members.set(name, value ?? undefined);
			}
			return Object.fromEntries(members) as never;
		},
		encode: (value) => value,
	});
	// For zod the JSON side is unknown, because it has two spellings. For who writes it, it is the one that we write.
	return codec as unknown as z.ZodType<z.output<Fields>, z.input<Fields>>;
}

/** `rawBytes` is declared as `raw_bytes`, `hashedRekordRequestV002` as `hashed_rekord_request_v002`. */
function declaredName(camelCase: string): string {
	return camelCase.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
