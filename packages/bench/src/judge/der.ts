/**
 * Parses DER (X.690 section 8.1). Written again, so that it shares no code with the servers. Its input is an answer of a server that
 * we started; invalid bytes cause an error, which is a complaint.
 */

export interface Tlv {
	readonly tag: number;
	/** Header and content. */
	readonly whole: Buffer;
	readonly content: Buffer;
}

export const TAG_SEQUENCE = 0x30;

/** The only value in `bytes`. */
export function readTlv(bytes: Buffer): Tlv {
	const [only, ...more] = readAll(bytes);
	if (only === undefined || more.length > 0) throw new Error('not one DER value');
	return only;
}

/** The values inside a constructed one. */
export function children(value: Tlv): Tlv[] {
	return readAll(value.content);
}

/** Follows the child at each step, from the outside in. */
export function descend(value: Tlv, ...path: readonly number[]): Tlv {
	return path.reduce((at, index) => {
		const child = children(at)[index];
		if (child === undefined) throw new Error(`a DER value has no child ${index}`);
		return child;
	}, value);
}

export function encodeTlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
	const body = Buffer.concat(content);
	if (body.length < 0x80) return Buffer.concat([Buffer.of(tag, body.length), body]);
	const hex = body.length.toString(16);
	const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
	return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, body]);
}

function readAll(bytes: Buffer): Tlv[] {
	const values: Tlv[] = [];
	for (let at = 0; at < bytes.length; ) {
		const tag = bytes[at];
		const first = bytes[at + 1];
		if (tag === undefined || first === undefined) throw new Error('DER ends in a header');
		const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
		const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
		const start = at + 2 + lengthBytes;
		const end = start + length;
		if (end > bytes.length) throw new Error('DER ends in a value');
		values.push({ tag, whole: bytes.subarray(at, end), content: bytes.subarray(start, end) });
		at = end;
	}
	return values;
}
