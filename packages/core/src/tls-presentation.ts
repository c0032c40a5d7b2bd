/**
 * The presentation language of TLS (RFC 5246 section 4), in which certificate transparency writes its structures:
 * big-endian unsigned integers, and `opaque x<0..2^n-1>`: bytes behind their length.
 */
import { concatBytes } from './bytes.ts';
import { FormatError } from './format-error.ts';

/** An unsigned integer of `width` bytes, big-endian. Throws FormatError when it does not fit or is not safe. */
export function uint(width: number, value: number): Uint8Array {
	if (!Number.isSafeInteger(value) || value < 0 || value >= 2 ** (8 * width))
		throw new FormatError('TLS structure', `${value} does not fit ${width} bytes`);
	const bytes = new Uint8Array(width);
	for (let i = width - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
	return bytes;
}

/** Bytes behind their length, which takes `width` bytes. Throws FormatError when they are too long for it. */
export function opaque(width: number, content: Uint8Array): Uint8Array {
	return concatBytes(uint(width, content.length), content);
}

/** Reads such structures; what it hands out are views. Every method throws FormatError when the bytes run out. */
export class TlsReader {
	readonly #bytes: Uint8Array;
	#offset = 0;

	constructor(bytes: Uint8Array) {
		// Views must be plain Uint8Array, whatever subclass the caller read from a file.
		this.#bytes =
			bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	get hasMore(): boolean {
		return this.#offset < this.#bytes.length;
	}

	/** Throws for 64-bit values that are not safe integers. */
	uint(width: number): number {
		let value = 0;
		for (const byte of this.bytes(width)) value = value * 256 + byte;
		if (!Number.isSafeInteger(value)) throw new FormatError('TLS structure', 'an integer is too large');
		return value;
	}

	bytes(length: number): Uint8Array {
		const end = this.#offset + length;
		if (end > this.#bytes.length) throw new FormatError('TLS structure', 'cut off');
		const part = this.#bytes.subarray(this.#offset, end);
		this.#offset = end;
		return part;
	}

	opaque(width: number): Uint8Array {
		return this.bytes(this.uint(width));
	}

	/** Throws unless everything was read. */
	end(): void {
		if (this.hasMore) throw new FormatError('TLS structure', 'bytes behind the last field');
	}
}
