/** Decodes the encodings inside of bytes, so that the decoded bytes can be searched too. */
import { constants, inflateRawSync } from 'node:zlib';

export interface View {
	readonly encoding: string;
	/** Where the encoded run begins. */
	readonly offset: number;
	readonly bytes: Buffer;
}

const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

/** Runs that may be encoded text, each with what it decodes to. */
const RUNS: readonly (readonly [encoding: string, run: RegExp, decode: (run: string) => Buffer])[] = [
	['base64', /[A-Za-z0-9+/_-]{20,}={0,2}/g, (run) => Buffer.from(run, 'base64')],
	// PEM and MIME break their lines, and JSON writes the break as an escape.
	[
		'base64 in lines',
		/(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,}(?:(?:\r?\n|\\r\\n|\\n)[A-Za-z0-9+/]{4,})+={0,2}/g,
		(run) => Buffer.from(run.replace(/\\r|\\n|\s/g, ''), 'base64'),
	],
	['hex', /(?:[0-9a-fA-F]{2}){16,}/g, (run) => Buffer.from(run, 'hex')],
	[
		'spaced hex',
		/[0-9a-fA-F]{2}(?:[\s:,]+[0-9a-fA-F]{2}){15,}/g,
		(run) => Buffer.from(run.replace(/[^0-9a-fA-F]/g, ''), 'hex'),
	],
	[
		'numbers',
		/\b\d{1,3}(?:\s*,\s*\d{1,3}){15,}/g,
		(run) => Buffer.from(run.split(',').map((number) => Number(number) & 0xff)),
	],
];

/** Escapes are mixed with other characters, so the whole text is decoded. */
const ESCAPES: readonly (readonly [encoding: string, escape: RegExp])[] = [
	['percent', /%([0-9a-fA-F]{2})/g],
	['JSON escapes', /\\u00([0-9a-fA-F]{2})/g],
];

const COMPRESSED: readonly (readonly [encoding: string, magic: Buffer, headerLength: (bytes: Buffer) => number])[] = [
	['gzip', Buffer.from([0x1f, 0x8b, 0x08]), gzipHeaderLength],
	['zlib', Buffer.from([0x78, 0x9c]), () => 2],
];

export function hiddenViews(bytes: Buffer): View[] {
	const text = bytes.toString('latin1');
	const views: View[] = RUNS.flatMap(([encoding, run, decode]) =>
		[...text.matchAll(run)].flatMap(({ 0: found, index }) => [{ encoding, offset: index, bytes: decode(found) }]),
	);
	for (const [encoding, pattern] of ESCAPES) {
		const plain = text.replace(pattern, (_match: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
		if (plain !== text) views.push({ encoding, offset: 0, bytes: Buffer.from(plain, 'latin1') });
	}
	for (const [encoding, magic, headerLength] of COMPRESSED) {
		for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
			const inflated = inflate(bytes.subarray(at + headerLength(bytes.subarray(at))));
			if (inflated !== undefined) views.push({ encoding, offset: at, bytes: inflated });
		}
	}
	return views;
}

/** Does not check lengths and checksums, so that it also reads a member that is cut off or followed by other bytes. */
function inflate(bytes: Buffer): Buffer | undefined {
	try {
		return inflateRawSync(bytes, { maxOutputLength: MAX_INFLATED_BYTES, finishFlush: constants.Z_SYNC_FLUSH });
	} catch {
		// The bytes only begin like a compressed member.
		return undefined;
	}
}

/** RFC 1952 section 2.3. Of the optional parts only the two names, which end with a zero byte. */
function gzipHeaderLength(member: Buffer): number {
	let length = 10;
	for (const flag of [8, 16]) if (((member[3] ?? 0) & flag) !== 0) length = member.indexOf(0, length) + 1;
	return length;
}
