/**
 * Every one-byte change of a byte string: the smallest forgery there is, tried everywhere.
 */

/** Copies of `bytes` that differ in exactly one byte: each byte with its lowest bit, highest bit, and all bits flipped. */
export function* oneByteChanges(bytes: Uint8Array): Generator<Uint8Array> {
	for (let i = 0; i < bytes.length; i++) {
		for (const flip of [0x01, 0x80, 0xff]) {
			const changed = bytes.slice();
			changed[i]! ^= flip;
			yield changed;
		}
	}
}
