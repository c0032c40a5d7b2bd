/**
 * Data tiles of the static CT API (https://c2sp.org/static-ct-api), from what an RFC 6962 log stores of an entry:
 *
 *     struct {
 *         TimestampedEntry timestamped_entry;
 *         select (entry_type) {
 *             case x509_entry: Empty;
 *             case precert_entry: opaque pre_certificate<1..2^24-1>;
 *         };
 *         Fingerprint certificate_chain<0..2^16-1>;        32-byte SHA-256 of each certificate
 *     } TileLeaf;
 *
 * The leaf is a MerkleTreeLeaf (RFC 6962 section 3.4): two bytes of version and type, then the TimestampedEntry. The
 * extra data is that of get-entries (section 4.6): the chain, for a precertificate after the precertificate itself.
 */
import { concatBytes } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { sha256 } from '@chancery/core/sha';
import type { StoredEntry } from '../entry.ts';

const PRECERT_ENTRY = 1;
const ENTRY_TYPE_OFFSET = 2 + 8;
const MAX_CHAIN = Math.floor(0xffff / 32);

/** Concatenated TileLeaf structures. @throws {FormatError} for an entry that was not stored as an RFC 6962 log does. */
export function encodeStaticCtTile(entries: readonly StoredEntry[]): Uint8Array {
	return concatBytes(...entries.flatMap(tileLeaf));
}

function tileLeaf({ leaf, extra }: StoredEntry): Uint8Array[] {
	if (leaf.length < ENTRY_TYPE_OFFSET + 2 || leaf[0] !== 0 || leaf[1] !== 0)
		throw new FormatError('static CT tile', 'the leaf is no version 1 MerkleTreeLeaf');
	if (!extra) throw new FormatError('static CT tile', 'the entry has no chain');
	const type = (leaf[ENTRY_TYPE_OFFSET]! << 8) | leaf[ENTRY_TYPE_OFFSET + 1]!;
	const parts = [leaf.subarray(2)];
	let chainBytes = extra;
	if (type === PRECERT_ENTRY) {
		const [precertificate, rest] = takeOpaque24(extra);
		// The same three length bytes stand before it there and here.
		parts.push(extra.subarray(0, 3 + precertificate.length));
		chainBytes = rest;
	}
	const chain = certificates(chainBytes);
	if (chain.length > MAX_CHAIN) throw new FormatError('static CT tile', 'the chain is too long');
	const length = chain.length * 32;
	parts.push(Uint8Array.of(length >> 8, length & 0xff), ...chain.map(sha256));
	return parts;
}

/** `ASN.1Cert chain<0..2^24-1>`, nothing behind it. */
function certificates(bytes: Uint8Array): Uint8Array[] {
	let [rest, behind] = takeOpaque24(bytes);
	if (behind.length > 0) throw new FormatError('static CT tile', 'bytes behind the chain');
	const chain: Uint8Array[] = [];
	while (rest.length > 0) {
		[behind, rest] = takeOpaque24(rest);
		chain.push(behind);
	}
	return chain;
}

function takeOpaque24(bytes: Uint8Array): [value: Uint8Array, rest: Uint8Array] {
	if (bytes.length < 3) throw new FormatError('static CT tile', 'cut off inside a length');
	const end = 3 + ((bytes[0]! << 16) | (bytes[1]! << 8) | bytes[2]!);
	if (end > bytes.length) throw new FormatError('static CT tile', 'cut off inside a certificate');
	return [bytes.subarray(3, end), bytes.subarray(end)];
}
