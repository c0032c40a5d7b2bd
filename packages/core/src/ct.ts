/**
 * The structures of certificate transparency, version 1 (RFC 6962 sections 3.2 to 3.5 and 4.6).
 *
 *     MerkleTreeLeaf     u8 version = 0, u8 leaf_type = 0, TimestampedEntry
 *     TimestampedEntry   u64 timestamp (ms), u16 entry_type, entry, opaque extensions<0..2^16-1>
 *       x509 (0)         opaque certificate<1..2^24-1>
 *       precert (1)      32 bytes issuer_key_hash, opaque tbs<1..2^24-1>
 *     SCT                u8 version = 0, 32 bytes log id, u64 timestamp, opaque extensions<0..2^16-1>, DigitallySigned
 *     DigitallySigned    u8 hash (4 = SHA-256), u8 signature (1 = RSA, 3 = ECDSA), opaque signature<0..2^16-1>
 *
 * What an SCT signs begins with version 0 and signature type 0 where the leaf has version 0 and leaf type 0: for
 * version 1 the signed bytes are the leaf.
 */
import { HASHES, KEYS } from './algorithms.ts';
import { concatBytes } from './bytes.ts';
import { DerReader, derOctetString } from './der.ts';
import { FormatError } from './format-error.ts';
import { HASH_LENGTH, type Hash } from './merkle.ts';
import { opaque, TlsReader, uint } from './tls-presentation.ts';

/** Code points of RFC 5246 section 7.4.1.4.1, as DigitallySigned uses them. */
export const CT_HASH_SHA256 = HASHES.SHA2_256.tls;
export const CT_SIGNATURE_RSA = KEYS.rsa.tls;
export const CT_SIGNATURE_ECDSA = KEYS.ec.tls;

const ENTRY_X509 = 0;
const ENTRY_PRECERT = 1;
const LEAF_HEADER = Uint8Array.of(0, 0);

export type SignedEntry =
	| { readonly type: 'x509'; readonly certificate: Uint8Array }
	| {
			readonly type: 'precert';
			/** SHA-256 of the SubjectPublicKeyInfo of the issuer of the final certificate. */
			readonly issuerKeyHash: Uint8Array;
			/** DER of the TBSCertificate without poison and without SCT list. */
			readonly tbs: Uint8Array;
	  };

export interface TimestampedEntry {
	readonly timestampMs: number;
	readonly entry: SignedEntry;
	/** CtExtensions, opaque; empty in RFC 6962 logs. */
	readonly extensions: Uint8Array;
}

/** The bytes that a log hashes and hands out as `leaf_input` (section 3.4). Throws FormatError for oversized parts. */
export function encodeMerkleTreeLeaf({ timestampMs, entry, extensions }: TimestampedEntry): Uint8Array {
	const body =
		entry.type === 'x509'
			? [uint(2, ENTRY_X509), uint(3, entry.certificate.length), entry.certificate]
			: [uint(2, ENTRY_PRECERT), keyHash(entry.issuerKeyHash), uint(3, entry.tbs.length), entry.tbs];
	return concatBytes(LEAF_HEADER, uint(8, timestampMs), ...body, opaque(2, extensions));
}

/** Reads a leaf; the parts are views. Throws FormatError. */
export function parseMerkleTreeLeaf(bytes: Uint8Array): TimestampedEntry {
	const reader = new TlsReader(bytes);
	if (reader.uint(1) !== 0 || reader.uint(1) !== 0)
		throw new FormatError('Merkle tree leaf', 'not a timestamped entry of version 1');
	const timestampMs = reader.uint(8);
	const entry = readEntry(reader);
	const extensions = reader.opaque(2);
	reader.end();
	return { timestampMs, entry, extensions };
}

function readEntry(reader: TlsReader): SignedEntry {
	const type = reader.uint(2);
	if (type === ENTRY_X509) return { type: 'x509', certificate: reader.opaque(3) };
	if (type === ENTRY_PRECERT)
		return { type: 'precert', issuerKeyHash: reader.bytes(HASH_LENGTH), tbs: reader.opaque(3) };
	throw new FormatError('Merkle tree leaf', `entry type ${type} is not one that we know`);
}

/** What the signature of an SCT covers (section 3.2). For version 1 these are the bytes of the leaf. */
export function sctSignedData(entry: TimestampedEntry): Uint8Array {
	return encodeMerkleTreeLeaf(entry);
}

export interface DigitallySigned {
	readonly hashAlgorithm: number;
	readonly signatureAlgorithm: number;
	readonly signature: Uint8Array;
}

/** A signature with the names of its algorithms in front; SHA-256 with ECDSA unless told otherwise. */
export function encodeDigitallySigned(
	signature: Uint8Array,
	hashAlgorithm: number = CT_HASH_SHA256,
	signatureAlgorithm: number = CT_SIGNATURE_ECDSA,
): Uint8Array {
	return concatBytes(Uint8Array.of(hashAlgorithm, signatureAlgorithm), opaque(2, signature));
}

/** Throws FormatError. */
export function parseDigitallySigned(bytes: Uint8Array): DigitallySigned {
	const reader = new TlsReader(bytes);
	const signed = readDigitallySigned(reader);
	reader.end();
	return signed;
}

function readDigitallySigned(reader: TlsReader): DigitallySigned {
	return { hashAlgorithm: reader.uint(1), signatureAlgorithm: reader.uint(1), signature: reader.opaque(2) };
}

/** A signed certificate timestamp (section 3.2). */
export interface Sct extends DigitallySigned {
	readonly version: 0;
	/** SHA-256 of the log's SubjectPublicKeyInfo. */
	readonly logId: Uint8Array;
	readonly timestampMs: number;
	readonly extensions: Uint8Array;
}

export function encodeSct(sct: Sct): Uint8Array {
	return concatBytes(
		uint(1, sct.version),
		keyHash(sct.logId),
		uint(8, sct.timestampMs),
		opaque(2, sct.extensions),
		encodeDigitallySigned(sct.signature, sct.hashAlgorithm, sct.signatureAlgorithm),
	);
}

/** Throws FormatError, also for versions other than 1. */
export function parseSct(bytes: Uint8Array): Sct {
	const reader = new TlsReader(bytes);
	if (reader.uint(1) !== 0) throw new FormatError('SCT', 'not version 1');
	const logId = reader.bytes(HASH_LENGTH);
	const timestampMs = reader.uint(8);
	const extensions = reader.opaque(2);
	const signed = readDigitallySigned(reader);
	reader.end();
	return { version: 0, logId, timestampMs, extensions, ...signed };
}

/**
 * The value of the SCT list extension of a certificate (section 3.3): a DER OCTET STRING around the list. As every
 * extension value it is wrapped in extnValue's OCTET STRING once more where the certificate is put together.
 */
export function encodeSctList(scts: readonly Sct[]): Uint8Array {
	if (scts.length === 0) throw new FormatError('SCT list', 'a list has at least one SCT');
	return derOctetString(opaque(2, concatBytes(...scts.map((sct) => opaque(2, encodeSct(sct))))));
}

/** Reads the value of the SCT list extension, OCTET STRING included. Throws FormatError. */
export function parseSctList(extensionValue: Uint8Array): Sct[] {
	const wrapper = new DerReader(extensionValue);
	const outer = new TlsReader(wrapper.octetString());
	wrapper.end();
	const list = new TlsReader(outer.opaque(2));
	outer.end();
	if (!list.hasMore) throw new FormatError('SCT list', 'a list has at least one SCT');
	const scts: Sct[] = [];
	while (list.hasMore) scts.push(parseSct(list.opaque(2)));
	return scts;
}

/** What a signed tree head signs (section 3.5): 50 bytes. */
export function treeHeadSignedData(head: { timestampMs: number; size: number; root: Hash }): Uint8Array {
	return concatBytes(Uint8Array.of(0, 1), uint(8, head.timestampMs), uint(8, head.size), keyHash(head.root));
}

/** `extra_data` of an X.509 entry (section 4.6): the chain above the certificate, root included. */
export function encodeX509ExtraData(chain: readonly Uint8Array[]): Uint8Array {
	return opaque(3, concatBytes(...chain.map((certificate) => opaque(3, certificate))));
}

/** Throws FormatError. */
export function parseX509ExtraData(bytes: Uint8Array): Uint8Array[] {
	const reader = new TlsReader(bytes);
	const chain = readChain(reader);
	reader.end();
	return chain;
}

/** `extra_data` of a precertificate entry (section 4.6): the precertificate itself and the chain above it. */
export function encodePrecertExtraData(precertificate: Uint8Array, chain: readonly Uint8Array[]): Uint8Array {
	return concatBytes(opaque(3, precertificate), encodeX509ExtraData(chain));
}

/** Throws FormatError. */
export function parsePrecertExtraData(bytes: Uint8Array): { precertificate: Uint8Array; chain: Uint8Array[] } {
	const reader = new TlsReader(bytes);
	const precertificate = reader.opaque(3);
	const chain = readChain(reader);
	reader.end();
	return { precertificate, chain };
}

function readChain(reader: TlsReader): Uint8Array[] {
	const list = new TlsReader(reader.opaque(3));
	const chain: Uint8Array[] = [];
	while (list.hasMore) chain.push(list.opaque(3));
	return chain;
}

function keyHash(hash: Uint8Array): Uint8Array {
	if (hash.length !== HASH_LENGTH) throw new FormatError('TLS structure', 'a hash does not have 32 bytes');
	return hash;
}
