/**
 * PEM (RFC 7468): DER in base64 between two label lines. Written in its strict form, read in the lax one: text around
 * the blocks, CRLF and other line lengths are accepted, headers inside a block (RFC 1421) are not.
 */
import { fromBase64, toBase64 } from './bytes.ts';
import { FormatError } from './format-error.ts';

/** Inputs are keys and chains; nothing honest comes near these. */
const MAX_TEXT_LENGTH = 1024 * 1024;
const MAX_BLOCKS = 100;

const LINE_LENGTH = 64;
const BEGIN = /^-----BEGIN ([A-Z0-9][A-Z0-9 ]{0,63})-----$/;

export interface PemBlock {
	/** `CERTIFICATE`, `PUBLIC KEY`, ... */
	readonly label: string;
	readonly der: Uint8Array;
}

/** One block: base64 in lines of 64 characters, line feeds only, one at the end. */
export function encodePem(label: string, der: Uint8Array): string {
	if (!BEGIN.test(`-----BEGIN ${label}-----`)) throw new FormatError('PEM', 'the label is not made of capitals');
	const base64 = toBase64(der);
	let text = `-----BEGIN ${label}-----\n`;
	for (let i = 0; i < base64.length; i += LINE_LENGTH) text += `${base64.slice(i, i + LINE_LENGTH)}\n`;
	return `${text}-----END ${label}-----\n`;
}

/**
 * All blocks of a text, in order. Throws FormatError when there is none, when one is not closed by its own label or
 * does not hold strict base64, and beyond 100 blocks or 1 MiB.
 */
export function parsePem(text: string): PemBlock[] {
	if (text.length > MAX_TEXT_LENGTH) throw new FormatError('PEM', 'longer than 1 MiB');
	const blocks: PemBlock[] = [];
	let label: string | undefined;
	let base64: string[] = [];
	for (const untrimmed of text.split('\n')) {
		const line = untrimmed.trim();
		if (label === undefined) {
			label = BEGIN.exec(line)?.[1];
			// A line that looks like a block and is none must not hide one from us that others read.
			if (label === undefined && line.startsWith('-----')) throw new FormatError('PEM', 'a malformed label line');
			base64 = [];
		} else if (line.startsWith('-----')) {
			if (line !== `-----END ${label}-----`) throw new FormatError('PEM', `the block ${label} is not closed`);
			if (blocks.length === MAX_BLOCKS) throw new FormatError('PEM', 'more than 100 blocks');
			blocks.push({ label, der: decodeBody(base64.join('')) });
			label = undefined;
		} else {
			base64.push(line);
		}
	}
	if (label !== undefined) throw new FormatError('PEM', `the block ${label} is not closed`);
	if (blocks.length === 0) throw new FormatError('PEM', 'there is no block');
	return blocks;
}

function decodeBody(base64: string): Uint8Array {
	if (base64 === '') throw new FormatError('PEM', 'an empty block');
	try {
		return fromBase64(base64);
	} catch (cause) {
		throw new FormatError('PEM', 'a block does not hold base64', { cause });
	}
}
