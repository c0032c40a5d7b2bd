/**
 * Object identifiers between their dotted form and the content octets of a DER OBJECT IDENTIFIER (X.690 section 8.19):
 * base 128, most significant group first, the first two arcs folded into one number.
 */
import { FormatError } from './format-error.ts';

/** Real identifiers have about ten octets; those built from UUIDs about twenty. */
const MAX_CONTENT_LENGTH = 64;

/** Six groups of seven bits still fit a number exactly; longer arcs are read as big integers. */
const MAX_NUMBER_GROUPS = 6;

/** Content octets (without tag and length) of a dotted identifier. Throws FormatError. */
export function encodeOid(dotted: string): Uint8Array {
	if (dotted.length > 4 * MAX_CONTENT_LENGTH || !/^[0-2](\.(0|[1-9]\d*))+$/.test(dotted))
		throw new FormatError('object identifier', 'not a dotted identifier');
	const [first = '', second = '', ...rest] = dotted.split('.');
	if (first !== '2' && Number(second) > 39) throw new FormatError('object identifier', 'the second arc is beyond 39');
	const content: number[] = [];
	pushArc(content, second, 40 * Number(first));
	for (const arc of rest) pushArc(content, arc, 0);
	if (content.length > MAX_CONTENT_LENGTH) throw new FormatError('object identifier', 'longer than 64 octets');
	return Uint8Array.from(content);
}

/** Arcs of up to nine digits, which is nearly all, fit the operations on 32 bits. */
function pushArc(content: number[], digits: string, offset: number): void {
	if (digits.length > 9) {
		const arc = BigInt(digits) + BigInt(offset);
		for (let shift = 7n * BigInt(groupsOf(arc.toString(2).length)); shift > 0n; shift -= 7n)
			content.push(Number((arc >> shift) & 0x7fn) | 0x80);
		content.push(Number(arc & 0x7fn));
		return;
	}
	const arc = Number(digits) + offset;
	for (let shift = 7 * groupsOf(32 - Math.clz32(arc)); shift > 0; shift -= 7)
		content.push(((arc >>> shift) & 0x7f) | 0x80);
	content.push(arc & 0x7f);
}

/** Groups of seven bits before the last one. */
function groupsOf(bits: number): number {
	return Math.max(0, Math.ceil(bits / 7) - 1);
}

/** Dotted form of content octets. Throws FormatError for padding, a cut-off arc, and more than 64 octets. */
export function decodeOid(content: Uint8Array): string {
	if (content.length === 0 || content.length > MAX_CONTENT_LENGTH)
		throw new FormatError('object identifier', 'empty or longer than 64 octets');
	if (content.at(-1)! >= 0x80) throw new FormatError('object identifier', 'cut off');
	let dotted = '';
	let start = 0;
	for (let i = 0; i < content.length; i++) {
		if (content[i]! >= 0x80) continue;
		if (content[start] === 0x80) throw new FormatError('object identifier', 'an arc is padded');
		const arc = readArc(content, start, i + 1);
		if (start > 0) dotted += `.${arc}`;
		else dotted = arc < 40 ? `0.${arc}` : arc < 80 ? `1.${Number(arc) - 40}` : `2.${subtract80(arc)}`;
		start = i + 1;
	}
	return dotted;
}

function readArc(content: Uint8Array, start: number, end: number): number | bigint {
	if (end - start > MAX_NUMBER_GROUPS) {
		let arc = 0n;
		for (let i = start; i < end; i++) arc = (arc << 7n) | BigInt(content[i]! & 0x7f);
		return arc;
	}
	let arc = 0;
	for (let i = start; i < end; i++) arc = arc * 128 + (content[i]! & 0x7f);
	return arc;
}

function subtract80(arc: number | bigint): number | bigint {
	return typeof arc === 'bigint' ? arc - 80n : arc - 80;
}
