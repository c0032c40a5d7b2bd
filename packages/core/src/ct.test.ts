import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex } from './bytes.ts';
import {
	CT_HASH_SHA256,
	CT_SIGNATURE_RSA,
	encodeDigitallySigned,
	encodeMerkleTreeLeaf,
	encodePrecertExtraData,
	encodeSct,
	encodeSctList,
	encodeX509ExtraData,
	parseDigitallySigned,
	parseMerkleTreeLeaf,
	parsePrecertExtraData,
	parseSct,
	parseSctList,
	parseX509ExtraData,
	type Sct,
	sctSignedData,
	type TimestampedEntry,
	treeHeadSignedData,
} from './ct.ts';
import { derNull, derOctetString } from './der.ts';
import { FormatError } from './format-error.ts';
import { EMPTY_ROOT } from './merkle.ts';
import { opaque, TlsReader, uint } from './tls-presentation.ts';

const NONE = new Uint8Array(0);
const TIME = 0x19bc3d96cbd;
const X509: TimestampedEntry = {
	timestampMs: TIME,
	entry: { type: 'x509', certificate: fromHex('300100') },
	extensions: NONE,
};
const PRECERT: TimestampedEntry = {
	timestampMs: TIME,
	entry: { type: 'precert', issuerKeyHash: new Uint8Array(32).fill(0xaa), tbs: fromHex('3000') },
	extensions: fromHex('0000050000000070'),
};
/** The fields of an SCT that a static-CT log issued, with the index of its leaf in the extensions. */
const SCT: Sct = {
	version: 0,
	logId: fromHex('2ca5cd27a89484c38e74868d2d3bde1e7852afe7e2771e6f89c7bd667dfcf8ef'),
	timestampMs: TIME,
	extensions: fromHex('0000050000000070'),
	hashAlgorithm: 4,
	signatureAlgorithm: 3,
	signature: new Uint8Array(0x47).fill(0x30),
};

describe('a Merkle tree leaf', () => {
	it('of a certificate has the bytes of RFC 6962 section 3.4', () => {
		expect(toHex(encodeMerkleTreeLeaf(X509))).toBe('0000 0000019bc3d96cbd 0000 000003 300100 0000'.replaceAll(' ', ''));
	});

	it('of a precertificate has the hash of the issuer key in front', () => {
		const expected = `0000 0000019bc3d96cbd 0001 ${'aa'.repeat(32)} 000002 3000 0008 0000050000000070`;
		expect(toHex(encodeMerkleTreeLeaf(PRECERT))).toBe(expected.replaceAll(' ', ''));
	});

	it.each([X509, PRECERT])('reads back', (leaf) => {
		expect(parseMerkleTreeLeaf(encodeMerkleTreeLeaf(leaf))).toEqual(leaf);
	});

	it('is what the SCT signs', () => {
		expect(sctSignedData(PRECERT)).toEqual(encodeMerkleTreeLeaf(PRECERT));
	});

	it.each([
		['version 2', `01${toHex(encodeMerkleTreeLeaf(X509)).slice(2)}`],
		['another leaf type', `0001${toHex(encodeMerkleTreeLeaf(X509)).slice(4)}`],
		['another entry type', toHex(encodeMerkleTreeLeaf(X509)).replace('6cbd0000', '6cbd0002')],
		['an unsafe time', `0000ffffffffffffffff${toHex(encodeMerkleTreeLeaf(X509)).slice(20)}`],
		['a byte behind it', `${toHex(encodeMerkleTreeLeaf(X509))}00`],
		['nothing', ''],
	])('is refused with %s', (_what, hex) => {
		expect(() => parseMerkleTreeLeaf(fromHex(hex))).toThrow(FormatError);
	});

	it.each<[string, TimestampedEntry]>([
		['a certificate of 2^24 bytes', { ...X509, entry: { type: 'x509', certificate: new Uint8Array(2 ** 24) } }],
		['extensions of 2^16 bytes', { ...X509, extensions: new Uint8Array(2 ** 16) }],
		['a short key hash', { ...X509, entry: { type: 'precert', issuerKeyHash: NONE, tbs: NONE } }],
		['half a millisecond', { ...X509, timestampMs: 0.5 }],
		['a time before 1970', { ...X509, timestampMs: -1 }],
	])('is not written with %s', (_what, leaf) => {
		expect(() => encodeMerkleTreeLeaf(leaf)).toThrow(FormatError);
	});
});

describe('a signed certificate timestamp', () => {
	it('in a certificate is wrapped in an OCTET STRING and two lengths', () => {
		const list = toHex(encodeSctList([SCT]));
		const expected =
			'048182 0080 007e 00 2ca5cd27a89484c38e74868d2d3bde1e7852afe7e2771e6f89c7bd667dfcf8ef 0000019bc3d96cbd 0008 0000050000000070 0403 0047 30';
		expect(list.startsWith(expected.replaceAll(' ', ''))).toBe(true);
		expect(parseSctList(fromHex(list))).toEqual([SCT]);
	});

	it('may be one of several, and reads back', () => {
		const other = { ...SCT, extensions: NONE, signatureAlgorithm: CT_SIGNATURE_RSA, signature: NONE };
		expect(parseSctList(encodeSctList([SCT, other]))).toEqual([SCT, other]);
		expect(parseSct(encodeSct(other))).toEqual(other);
	});

	it('of another version is refused', () => {
		expect(() => parseSct(concatBytes(Uint8Array.of(1), encodeSct(SCT).subarray(1)))).toThrow(FormatError);
	});

	const inList = (...scts: Uint8Array[]) => derOctetString(opaque(2, concatBytes(...scts)));
	it.each([
		['an empty list', inList()],
		['a list without its OCTET STRING', opaque(2, opaque(2, encodeSct(SCT)))],
		['a list of one byte', inList(Uint8Array.of(0))],
		['an SCT with a byte behind it', inList(opaque(2, concatBytes(encodeSct(SCT), Uint8Array.of(0))))],
		['bytes behind the list', derOctetString(concatBytes(opaque(2, opaque(2, encodeSct(SCT))), Uint8Array.of(0)))],
		['bytes behind the OCTET STRING', concatBytes(encodeSctList([SCT]), derNull())],
	])('is refused in %s', (_what, value) => {
		expect(() => parseSctList(value)).toThrow(FormatError);
	});

	it('is not written into an empty list', () => {
		expect(() => encodeSctList([])).toThrow(FormatError);
	});
});

describe('signatures and tree heads', () => {
	it('name SHA-256 and ECDSA unless told otherwise', () => {
		expect(toHex(encodeDigitallySigned(fromHex('aabb')))).toBe('04030002aabb');
		expect(toHex(encodeDigitallySigned(NONE, CT_HASH_SHA256, CT_SIGNATURE_RSA))).toBe('04010000');
		expect(parseDigitallySigned(fromHex('04030002aabb'))).toEqual({
			hashAlgorithm: 4,
			signatureAlgorithm: 3,
			signature: fromHex('aabb'),
		});
		expect(() => parseDigitallySigned(fromHex('04030002aabb00'))).toThrow(FormatError);
	});

	it('of a tree head cover the 50 bytes of RFC 6962 section 3.5', () => {
		const signed = treeHeadSignedData({ timestampMs: TIME, size: 2 ** 40, root: EMPTY_ROOT });
		expect(toHex(signed)).toBe(`00010000019bc3d96cbd0000010000000000${toHex(EMPTY_ROOT)}`);
		expect(() => treeHeadSignedData({ timestampMs: TIME, size: 1, root: NONE })).toThrow(FormatError);
	});
});

describe('extra data', () => {
	const [leaf, root] = [fromHex('0102'), fromHex('03')];
	it('of a certificate is its chain', () => {
		expect(toHex(encodeX509ExtraData([leaf, root]))).toBe('000009000002010200000103');
		expect(parseX509ExtraData(encodeX509ExtraData([leaf, root]))).toEqual([leaf, root]);
		expect(parseX509ExtraData(encodeX509ExtraData([]))).toEqual([]);
	});

	it('of a precertificate begins with the precertificate', () => {
		expect(toHex(encodePrecertExtraData(leaf, [root]))).toBe('000002010200000400000103');
		expect(parsePrecertExtraData(encodePrecertExtraData(leaf, [root]))).toEqual({
			precertificate: leaf,
			chain: [root],
		});
	});
});

describe('the presentation language', () => {
	it('writes unsigned integers of any width and refuses what does not fit', () => {
		expect(toHex(uint(5, 0x70))).toBe('0000000070');
		expect(toHex(uint(8, Number.MAX_SAFE_INTEGER))).toBe('001fffffffffffff');
		for (const [width, value] of [
			[1, 256],
			[1, -1],
			[8, 2 ** 53],
			[2, 1.5],
		] as const)
			expect(() => uint(width, value)).toThrow(FormatError);
	});

	it('hands out views of plain bytes, also of a Buffer', () => {
		expect(new TlsReader(Buffer.from('0102', 'hex')).bytes(2).constructor).toBe(Uint8Array);
	});
});

describe('any bytes', () => {
	const formats: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => Uint8Array])[] = [
		['leaf', encodeMerkleTreeLeaf(X509), (bytes) => encodeMerkleTreeLeaf(parseMerkleTreeLeaf(bytes))],
		['precert leaf', encodeMerkleTreeLeaf(PRECERT), (bytes) => encodeMerkleTreeLeaf(parseMerkleTreeLeaf(bytes))],
		['SCT', encodeSct(SCT), (bytes) => encodeSct(parseSct(bytes))],
		['SCT list', encodeSctList([SCT, SCT]), (bytes) => encodeSctList(parseSctList(bytes))],
		[
			'x509 extra data',
			encodeX509ExtraData([fromHex('0102')]),
			(bytes) => encodeX509ExtraData(parseX509ExtraData(bytes)),
		],
		[
			'precert extra data',
			encodePrecertExtraData(fromHex('01'), [fromHex('0102')]),
			(bytes) => {
				const { precertificate, chain } = parsePrecertExtraData(bytes);
				return encodePrecertExtraData(precertificate, chain);
			},
		],
	];

	it.each(formats)('that are a damaged %s are refused or written again as they are', (_name, sample, rewrite) => {
		const random = new SeededRandom(17);
		let read = 0;
		for (let i = 0; i < 2000; i++) {
			const damaged = random.mangle(sample);
			try {
				expect(toHex(rewrite(damaged))).toBe(toHex(damaged));
				read += 1;
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
		expect(read).toBeGreaterThan(20);
	});
});
