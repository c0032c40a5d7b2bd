/**
 * DER (X.690 section 10): writing and reading the subset that keys, certificates and timestamps use.
 *
 * Writers return whole elements (tag, length, content) and compose by nesting. The reader walks elements in place; what
 * it hands out are views into the given bytes. It refuses whatever BER allows and DER does not, because signed bytes
 * must have one reading: indefinite or padded lengths, padded integers, odd booleans, tags beyond one byte.
 */
import { compareBytes, concatBytes, fromUtf8, utf8 } from './bytes.ts';
import { formatGeneralizedTime, formatUtcTime, parseGeneralizedTime, parseUtcTime } from './der-time.ts';
import { FormatError } from './format-error.ts';
import { decodeOid, encodeOid } from './oid.ts';

export const TAG_BOOLEAN = 0x01;
export const TAG_INTEGER = 0x02;
export const TAG_BIT_STRING = 0x03;
export const TAG_OCTET_STRING = 0x04;
export const TAG_NULL = 0x05;
export const TAG_OID = 0x06;
export const TAG_UTF8_STRING = 0x0c;
export const TAG_PRINTABLE_STRING = 0x13;
export const TAG_IA5_STRING = 0x16;
export const TAG_UTC_TIME = 0x17;
export const TAG_GENERALIZED_TIME = 0x18;
export const TAG_SEQUENCE = 0x30;
export const TAG_SET = 0x31;

/** Nothing we read nests deeper than about ten levels; the bound keeps hostile bytes from exhausting the stack. */
const MAX_DEPTH = 32;

/** The tag byte of a context-specific element `[n]`. */
export function contextTag(n: number, constructed: boolean): number {
	if (!Number.isInteger(n) || n < 0 || n > 30) throw new RangeError(`[${n}] does not fit one tag byte`);
	return 0x80 | (constructed ? 0x20 : 0) | n;
}

/** One element with any one-byte tag and the content given, unchecked. */
export function derRaw(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
	let length = 0;
	for (const part of content) length += part.length;
	const headerLength = length < 0x80 ? 2 : length < 0x100 ? 3 : length < 0x10000 ? 4 : length < 0x1000000 ? 5 : 6;
	const element = new Uint8Array(headerLength + length);
	element[0] = tag;
	if (headerLength === 2) {
		element[1] = length;
	} else {
		element[1] = 0x80 | (headerLength - 2);
		for (let i = headerLength - 1, rest = length; i > 1; i--, rest = Math.floor(rest / 256)) element[i] = rest % 256;
	}
	let offset = headerLength;
	for (const part of content) {
		element.set(part, offset);
		offset += part.length;
	}
	return element;
}

export function derSequence(...elements: readonly Uint8Array[]): Uint8Array {
	return derRaw(TAG_SEQUENCE, ...elements);
}

/** A SET OF: its elements are put in ascending order of their encodings (X.690 section 11.6). */
export function derSet(...elements: readonly Uint8Array[]): Uint8Array {
	return derRaw(TAG_SET, ...[...elements].sort(compareBytes));
}

/** An element `[n]`: EXPLICIT around whole elements when constructed (the default), else IMPLICIT over content octets. */
export function derContext(
	n: number,
	options: { constructed?: boolean },
	...content: readonly Uint8Array[]
): Uint8Array {
	return derRaw(contextTag(n, options.constructed ?? true), ...content);
}

/** An INTEGER. Bytes are an unsigned big-endian magnitude, as serial numbers and RSA moduli come; no bytes are zero. */
export function derInteger(value: Uint8Array | bigint | number): Uint8Array {
	return derRaw(TAG_INTEGER, value instanceof Uint8Array ? unsignedContent(value) : signedContent(BigInt(value)));
}

export function derBoolean(value: boolean): Uint8Array {
	return Uint8Array.of(TAG_BOOLEAN, 1, value ? 0xff : 0x00);
}

export function derNull(): Uint8Array {
	return Uint8Array.of(TAG_NULL, 0);
}

/** An OBJECT IDENTIFIER from its dotted form. Throws FormatError. */
export function derOid(dotted: string): Uint8Array {
	return derRaw(TAG_OID, encodeOid(dotted));
}

export function derOctetString(bytes: Uint8Array): Uint8Array {
	return derRaw(TAG_OCTET_STRING, bytes);
}

/** A BIT STRING of whole bytes. */
export function derBitString(bytes: Uint8Array): Uint8Array {
	return derRaw(TAG_BIT_STRING, Uint8Array.of(0), bytes);
}

/** A BIT STRING of named bits, by their numbers; trailing zero bits are left out (X.690 section 11.2.2). */
export function derNamedBits(bits: readonly number[]): Uint8Array {
	if (bits.length === 0) return derRaw(TAG_BIT_STRING, Uint8Array.of(0));
	const highest = Math.max(...bits);
	const bytes = new Uint8Array(Math.floor(highest / 8) + 1);
	for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7);
	return derRaw(TAG_BIT_STRING, Uint8Array.of(7 - (highest & 7)), bytes);
}

export function derUtf8(text: string): Uint8Array {
	return derRaw(TAG_UTF8_STRING, utf8(text));
}

/** A PrintableString. Throws FormatError beyond letters, digits, space and '()+,-./:=? */
export function derPrintable(text: string): Uint8Array {
	if (!PRINTABLE.test(text)) throw new FormatError('DER', 'not a PrintableString');
	return derRaw(TAG_PRINTABLE_STRING, utf8(text));
}

/** An IA5String. Throws FormatError beyond ASCII. */
export function derIa5(text: string): Uint8Array {
	return derRaw(TAG_IA5_STRING, ia5Content(text));
}

/** Content octets of an IA5String, for names that are tagged [n] IMPLICIT. Throws FormatError beyond ASCII. */
export function ia5Content(text: string): Uint8Array {
	if (!ASCII.test(text)) throw new FormatError('DER', 'not an IA5String');
	return utf8(text);
}

/** A UTCTime in whole seconds. Throws FormatError outside 1950 to 2049. */
export function derUtcTime(time: Date): Uint8Array {
	return derRaw(TAG_UTC_TIME, utf8(formatUtcTime(time)));
}

/** A GeneralizedTime in whole seconds, rounded down. */
export function derGeneralizedTime(time: Date): Uint8Array {
	return derRaw(TAG_GENERALIZED_TIME, utf8(formatGeneralizedTime(time)));
}

/** A Time of X.509: UTCTime through 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). */
export function derTime(time: Date): Uint8Array {
	return time.getUTCFullYear() < 2050 ? derUtcTime(time) : derGeneralizedTime(time);
}

/** One element as it stands in the bytes. */
export interface DerElement {
	readonly tag: number;
	/** Content octets. */
	readonly value: Uint8Array;
	/** The whole element: tag, length and content. */
	readonly raw: Uint8Array;
}

/** Reads elements one after the other. Every method throws FormatError for what is not there or not DER. */
export class DerReader {
	readonly #bytes: Uint8Array;
	readonly #end: number;
	readonly #depth: number;
	#offset: number;
	/** Where the content of the element that was read last begins; it ends at `#offset`. */
	#content: number;

	/** Reads what lies between `start` and `end`, by default all of `bytes`. */
	constructor(bytes: Uint8Array, start = 0, end: number = bytes.length, depth = 0) {
		if (depth > MAX_DEPTH) throw new FormatError('DER', `nested deeper than ${MAX_DEPTH} levels`);
		// Views must be plain Uint8Array, whatever subclass the caller read from a file.
		this.#bytes =
			bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		this.#offset = start;
		this.#content = start;
		this.#end = end;
		this.#depth = depth;
	}

	/** Whether elements are left. */
	get hasMore(): boolean {
		return this.#offset < this.#end;
	}

	/** Tag byte of the next element, undefined at the end. */
	peekTag(): number | undefined {
		return this.hasMore ? this.#bytes[this.#offset] : undefined;
	}

	/** The next element, which must have the tag when one is given. */
	read(tag?: number): DerElement {
		const start = this.#offset;
		const found = this.#step(tag);
		return {
			tag: found,
			value: this.#bytes.subarray(this.#content, this.#offset),
			raw: this.#bytes.subarray(start, this.#offset),
		};
	}

	/** Content octets of the next element, which must have the tag. */
	#value(tag: number): Uint8Array {
		this.#step(tag);
		return this.#bytes.subarray(this.#content, this.#offset);
	}

	/** Passes over the next element and answers its tag. */
	#step(tag: number | undefined): number {
		const bytes = this.#bytes;
		const start = this.#offset;
		if (start + 2 > this.#end) throw new FormatError('DER', 'cut off before an element');
		const found = bytes[start]!;
		if ((found & 0x1f) === 0x1f || found === 0) throw new FormatError('DER', 'a tag that we do not read');
		if (tag !== undefined && found !== tag)
			throw new FormatError('DER', `tag 0x${found.toString(16)} where 0x${tag.toString(16)} belongs`);
		let length = bytes[start + 1]!;
		let content = start + 2;
		if (length >= 0x80) {
			const lengthOctets = length & 0x7f;
			if (lengthOctets === 0 || lengthOctets > 4) throw new FormatError('DER', 'a length that DER does not have');
			if (content + lengthOctets > this.#end) throw new FormatError('DER', 'cut off inside a length');
			length = 0;
			for (let i = 0; i < lengthOctets; i++) length = length * 256 + bytes[content + i]!;
			if (length < 0x80 || length < 256 ** (lengthOctets - 1)) throw new FormatError('DER', 'a padded length');
			content += lengthOctets;
		}
		const end = content + length;
		if (end > this.#end) throw new FormatError('DER', 'cut off inside an element');
		this.#content = content;
		this.#offset = end;
		return found;
	}

	/** The next element if it has the tag, else undefined and nothing is read. */
	optional(tag: number): DerElement | undefined {
		return this.peekTag() === tag ? this.read(tag) : undefined;
	}

	/** A reader over the content of the next element. */
	enter(tag: number): DerReader {
		this.#step(tag);
		return new DerReader(this.#bytes, this.#content, this.#offset, this.#depth + 1);
	}

	/** Like `enter` for an element that may be absent. */
	enterOptional(tag: number): DerReader | undefined {
		return this.peekTag() === tag ? this.enter(tag) : undefined;
	}

	sequence(): DerReader {
		return this.enter(TAG_SEQUENCE);
	}

	set(): DerReader {
		return this.enter(TAG_SET);
	}

	/** A reader over the constructed element `[n]`: EXPLICIT, or the content of an IMPLICIT SEQUENCE or SET. */
	context(n: number): DerReader {
		return this.enter(contextTag(n, true));
	}

	/** A reader over `[n]` if it comes next. */
	optionalContext(n: number): DerReader | undefined {
		return this.enterOptional(contextTag(n, true));
	}

	boolean(): boolean {
		const value = this.#value(TAG_BOOLEAN);
		if (value.length !== 1 || (value[0] !== 0x00 && value[0] !== 0xff)) throw new FormatError('DER', 'an odd boolean');
		return value[0] === 0xff;
	}

	null(): void {
		if (this.#value(TAG_NULL).length > 0) throw new FormatError('DER', 'a NULL with content');
	}

	/** Content octets of an INTEGER: minimal two's complement, big-endian. */
	integerBytes(): Uint8Array {
		const value = this.#value(TAG_INTEGER);
		const [first, second = 0] = value;
		if (first === undefined) throw new FormatError('DER', 'an empty integer');
		if (value.length > 1 && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80)))
			throw new FormatError('DER', 'a padded integer');
		return value;
	}

	/** An INTEGER of up to 2048 octets (an RSA modulus of 16384 bits). */
	integer(): bigint {
		const value = this.integerBytes();
		if (value.length > 2049) throw new FormatError('DER', 'an integer of more than 16384 bits');
		const unsigned = BigInt(`0x${value.toHex()}`);
		return value[0]! < 0x80 ? unsigned : unsigned - (1n << BigInt(8 * value.length));
	}

	/** An INTEGER that fits a number exactly, such as a version or a status. */
	smallInteger(): number {
		const value = this.integer();
		if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER)
			throw new FormatError('DER', 'an integer that is too large');
		return Number(value);
	}

	/** An OBJECT IDENTIFIER in dotted form. */
	oid(): string {
		return decodeOid(this.#value(TAG_OID));
	}

	octetString(): Uint8Array {
		return this.#value(TAG_OCTET_STRING);
	}

	/** The bytes of a BIT STRING that is a whole number of bytes long, as keys and signatures are. */
	bitString(): Uint8Array {
		const value = this.#value(TAG_BIT_STRING);
		if (value[0] !== 0) throw new FormatError('DER', 'a bit string that is not whole bytes');
		return value.subarray(1);
	}

	/** The numbers of the bits that are set in a BIT STRING of named bits, at most 64 of them. */
	namedBits(): number[] {
		const value = this.#value(TAG_BIT_STRING);
		const [unused] = value;
		const last = value.at(-1)!;
		if (unused === undefined || unused > 7 || value.length > 9) throw new FormatError('DER', 'an odd bit string');
		if (value.length === 1 ? unused !== 0 : (last >> unused) % 2 === 0 || last % 2 ** unused !== 0)
			throw new FormatError('DER', 'named bits with trailing zeros');
		const bits: number[] = [];
		for (let bit = 0; bit < 8 * (value.length - 1); bit++)
			if ((value[1 + (bit >> 3)]! & (0x80 >> (bit & 7))) !== 0) bits.push(bit);
		return bits;
	}

	/** A UTF8String, PrintableString or IA5String. */
	text(): string {
		return elementText(this.read());
	}

	/** A UTCTime or GeneralizedTime in UTC; a fraction of a second is cut to milliseconds. */
	time(): Date {
		const element = this.read();
		if (element.tag === TAG_UTC_TIME) return parseUtcTime(asciiOf(element.value));
		if (element.tag === TAG_GENERALIZED_TIME) return parseGeneralizedTime(asciiOf(element.value));
		throw new FormatError('DER', 'no time where one belongs');
	}

	/** Throws unless everything was read: nothing may hide behind the last element. */
	end(): void {
		if (this.hasMore) throw new FormatError('DER', 'bytes behind the last element');
	}
}

/**
 * Throws unless every element is DER down to the last, as far as tags and lengths go: no padded length, no string in
 * pieces. For parts that are kept as they stand and never taken apart, such as names and parameters of algorithms.
 */
export function requireDer(element: DerElement): void {
	const reader = new DerReader(element.raw);
	requireElements(reader);
}

function requireElements(reader: DerReader): void {
	while (reader.hasMore) {
		const tag = reader.peekTag()!;
		if ((tag & 0x20) === 0) reader.read();
		else if (tag < 0x40 && tag !== TAG_SEQUENCE && tag !== TAG_SET)
			throw new FormatError('DER', 'a value in pieces where DER has it whole');
		else requireElements(reader.enter(tag));
	}
}

/** Text of a UTF8String, PrintableString or IA5String element. Throws FormatError. */
export function elementText({ tag, value }: DerElement): string {
	const text = fromUtf8(value);
	if (tag === TAG_UTF8_STRING || (tag === TAG_IA5_STRING && ASCII.test(text))) return text;
	if (tag === TAG_PRINTABLE_STRING && PRINTABLE.test(text)) return text;
	throw new FormatError('DER', 'not a UTF8String, PrintableString or IA5String');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: IA5 includes them
const ASCII = /^[\u0000-\u007f]*$/;
const PRINTABLE = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

function asciiOf(value: Uint8Array): string {
	return String.fromCharCode(...value.subarray(0, 64));
}

function unsignedContent(magnitude: Uint8Array): Uint8Array {
	let start = 0;
	while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
	const minimal = magnitude.subarray(start);
	return minimal.length === 0 || minimal[0]! >= 0x80 ? concatBytes(Uint8Array.of(0), minimal) : minimal;
}

function signedContent(value: bigint): Uint8Array {
	if (value < 0n) {
		let length = 1;
		while (value < -(1n << BigInt(8 * length - 1))) length++;
		return Uint8Array.fromHex((value + (1n << BigInt(8 * length))).toString(16));
	}
	const hex = value.toString(16);
	return unsignedContent(Uint8Array.fromHex(hex.length % 2 === 1 ? `0${hex}` : hex));
}
