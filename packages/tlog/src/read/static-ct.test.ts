import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { StoredEntry } from '../entry.ts';
import { BUNDLE_CODECS } from './bundle-codec.ts';

const u16 = (n: number) => Buffer.from([n >> 8, n & 255]);
const opaque24 = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0]), u16(bytes.length), bytes]);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

const certificate = randomBytes(900);
const chain = [randomBytes(500), randomBytes(400)];
const precertificate = randomBytes(950);
const timestamp = Buffer.from('0000019bc3d96cbd', 'hex');
const extensions = Buffer.concat([u16(8), Buffer.from('0000050000000070', 'hex')]);
const chainBytes = opaque24(Buffer.concat(chain.map(opaque24)));

const stored = (leaf: Buffer, extra: Buffer | null): StoredEntry => ({
	index: 0,
	timestampMs: 0,
	leaf: new Uint8Array(leaf),
	extra: extra && new Uint8Array(extra),
	leafHash: new Uint8Array(32),
	receipt: null,
});

// TimestampedEntry of static-ct-api: what follows the first two bytes of a MerkleTreeLeaf (RFC 6962 section 3.4).
const x509 = Buffer.concat([timestamp, u16(0), opaque24(certificate), extensions]);
const precert = Buffer.concat([timestamp, u16(1), randomBytes(32), opaque24(randomBytes(880)), extensions]);
const x509Entry = stored(Buffer.concat([u16(0), x509]), chainBytes);
const precertEntry = stored(Buffer.concat([u16(0), precert]), Buffer.concat([opaque24(precertificate), chainBytes]));
const fingerprints = Buffer.concat([u16(64), ...chain.map(sha256)]);

const { encode } = BUNDLE_CODECS['static-ct'];

describe('a static CT data tile', () => {
	it('holds the entry and the fingerprints of its chain', () => {
		expect(Buffer.from(encode([x509Entry]))).toEqual(Buffer.concat([x509, fingerprints]));
	});

	it('holds the precertificate between them', () => {
		expect(Buffer.from(encode([precertEntry, x509Entry]))).toEqual(
			Buffer.concat([precert, opaque24(precertificate), fingerprints, x509, fingerprints]),
		);
	});

	it('accepts a chain of nothing', () => {
		const alone = stored(Buffer.concat([u16(0), x509]), opaque24(Buffer.alloc(0)));
		expect(Buffer.from(encode([alone]))).toEqual(Buffer.concat([x509, u16(0)]));
	});

	it.each([
		['no extra data', stored(Buffer.concat([u16(0), x509]), null)],
		['another leaf version', stored(Buffer.concat([u16(1), x509]), chainBytes)],
		['a leaf of nothing', stored(Buffer.alloc(0), chainBytes)],
		['bytes behind the chain', stored(Buffer.concat([u16(0), x509]), Buffer.concat([chainBytes, u16(0)]))],
	])('refuses %s', (_, entry) => {
		expect(() => encode([entry])).toThrow(expect.objectContaining({ name: 'FormatError' }));
	});

	it('refuses extra data that is cut off anywhere, with its own error', () => {
		for (const entry of [x509Entry, precertEntry])
			for (let length = 0; length < entry.extra!.length; length += 11) {
				const cut = { ...entry, extra: entry.extra!.subarray(0, length) };
				expect(() => encode([cut])).toThrow(expect.objectContaining({ name: 'FormatError' }));
			}
	});
});
