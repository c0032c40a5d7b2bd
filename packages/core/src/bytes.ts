/**
 * Bytes and their spellings: hexadecimal and base64 (RFC 4648 sections 4, 5 and 8), UTF-8 (RFC 3629).
 *
 * Every decoder is strict. A signed format whose decoder is lenient has many spellings of one value, and two
 * implementations that disagree about a spelling disagree about what was signed. The conversions are the platform's own
 * (ECMAScript 2026, in browsers since 2025), with their leniency taken away.
 */
import { FormatError } from './format-error.ts';

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF as a character, so that decoding and encoding again gives the same bytes.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Joins byte strings in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
	let length = 0;
	for (const part of parts) length += part.length;
	const joined = new Uint8Array(length);
	let offset = 0;
	for (const part of parts) {
		joined.set(part, offset);
		offset += part.length;
	}
	return joined;
}

/** Compares two byte strings. Not constant-time: hashes, keys and signatures are public; secrets do not come here. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
	if (a.length !== b.length) return false;
	for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
	return true;
}

/** Orders byte strings lexicographically, shorter first: negative, zero or positive, as `sort` wants it. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
	const shared = Math.min(a.length, b.length);
	for (let i = 0; i < shared; i++) {
		const difference = a[i]! - b[i]!;
		if (difference !== 0) return difference;
	}
	return a.length - b.length;
}

/** Lowercase hexadecimal. */
export function toHex(bytes: Uint8Array): string {
	return bytes.toHex();
}

/** Reads hexadecimal of either case, two digits per byte. Throws FormatError on anything else. */
export function fromHex(text: string): Uint8Array {
	try {
		return Uint8Array.fromHex(text);
	} catch (cause) {
		throw new FormatError('hexadecimal', 'not a whole number of two-digit bytes', { cause });
	}
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
	return bytes.toBase64();
}

/**
 * Reads standard base64 with its padding, with zero bits behind the last byte and without white space: exactly one
 * spelling per value. Throws FormatError on anything else.
 */
export function fromBase64(text: string): Uint8Array {
	return decodeBase64(text, 'base64');
}

/** The URL-safe alphabet without padding (RFC 4648 section 5), as JOSE writes it (RFC 7515 section 2). */
export function toBase64Url(bytes: Uint8Array): string {
	return bytes.toBase64({ alphabet: 'base64url', omitPadding: true });
}

/** Reads URL-safe base64 without padding, strictly. Throws FormatError on anything else, padding included. */
export function fromBase64Url(text: string): Uint8Array {
	if (text.endsWith('=')) throw new FormatError('base64url', 'padding is not allowed');
	return decodeBase64(text.padEnd(Math.ceil(text.length / 4) * 4, '='), 'base64url');
}

function decodeBase64(text: string, alphabet: 'base64' | 'base64url'): Uint8Array {
	let bytes: Uint8Array;
	try {
		bytes = Uint8Array.fromBase64(text, { alphabet, lastChunkHandling: 'strict' });
	} catch (cause) {
		throw new FormatError(alphabet, 'wrong character, padding or length', { cause });
	}
	// The platform's decoder skips white space; then there is more text than the bytes account for.
	if (text.length !== 4 * Math.ceil(bytes.length / 3)) throw new FormatError(alphabet, 'white space is not allowed');
	return bytes;
}

/** UTF-8 of a text. Throws FormatError for a lone surrogate, which has no UTF-8. */
export function utf8(text: string): Uint8Array {
	if (!text.isWellFormed()) throw new FormatError('UTF-8', 'the text holds half of a surrogate pair');
	return encoder.encode(text);
}

/** Reads UTF-8. Throws FormatError for overlong, truncated or surrogate sequences; a byte order mark is kept. */
export function fromUtf8(bytes: Uint8Array): string {
	try {
		return decoder.decode(bytes);
	} catch (cause) {
		throw new FormatError('UTF-8', 'not valid', { cause });
	}
}
