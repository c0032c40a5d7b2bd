/**
 * Signed data of the Cryptographic Message Syntax (RFC 5652 section 5) in the one form that timestamps take: content
 * inside, exactly one signer, signed attributes present. Taken apart, not verified.
 */
import { hashWithOid } from './algorithms.ts';
import { contextTag, DerReader, derRaw, TAG_SEQUENCE, TAG_SET } from './der.ts';
import { FormatError } from './format-error.ts';
import type { HashAlgorithm } from './sha.ts';

const OID_SIGNED_DATA = '1.2.840.113549.1.7.2';
const OID_CONTENT_TYPE = '1.2.840.113549.1.9.3';
const OID_MESSAGE_DIGEST = '1.2.840.113549.1.9.4';

/** Certificates in one message; a chain has three. */
const MAX_CERTIFICATES = 20;
const MAX_ATTRIBUTES = 50;

/** The hash function with this identifier. Throws FormatError for any but SHA-256, SHA-384 and SHA-512. */
export function hashOfOid(oid: string): HashAlgorithm {
	const algorithm = hashWithOid(oid);
	if (!algorithm) throw new FormatError('hash algorithm', `${oid} is not one that we accept`);
	return algorithm;
}

/** Reads the AlgorithmIdentifier of a hash function; parameters may be NULL or absent (RFC 5754 section 2). */
export function readHashAlgorithm(reader: DerReader): HashAlgorithm {
	const identifier = reader.sequence();
	const oid = identifier.oid();
	if (identifier.hasMore) identifier.null();
	identifier.end();
	return hashOfOid(oid);
}

export interface SignerInfo {
	/** DER of the issuer's name and content octets of the serial number: together they name the certificate. */
	readonly issuer: Uint8Array;
	readonly serial: Uint8Array;
	readonly digestAlgorithm: HashAlgorithm;
	/** Dotted identifier. */
	readonly signatureAlgorithm: string;
	readonly signature: Uint8Array;
	/** What the signature covers: the attributes as a SET OF, as section 5.4 wants them encoded. */
	readonly signedAttributes: Uint8Array;
	/** The digest of the content that the signer saw; equal to that of `content` in an honest message. */
	readonly messageDigest: Uint8Array;
	/** DER of the single value of another signed attribute. */
	attribute(oid: string): Uint8Array | undefined;
}

export interface SignedData {
	/** Dotted identifier of what the content is, the same in the message and in the signed attributes. */
	readonly contentType: string;
	readonly content: Uint8Array;
	/** DER of the certificates that came along, in no order that means anything. */
	readonly certificates: readonly Uint8Array[];
	readonly signer: SignerInfo;
}

/** Reads a ContentInfo that holds signed data. Throws FormatError. */
export function parseSignedData(der: Uint8Array): SignedData {
	const outer = new DerReader(der);
	const contentInfo = outer.sequence();
	outer.end();
	if (contentInfo.oid() !== OID_SIGNED_DATA) throw new FormatError('CMS', 'not signed data');
	const explicit = contentInfo.context(0);
	contentInfo.end();
	const fields = explicit.sequence();
	explicit.end();

	// 1 or 3 by the kinds of things inside (section 5.1); nothing depends on it.
	fields.smallInteger();
	fields.set();
	const encapsulated = fields.sequence();
	const contentType = encapsulated.oid();
	const contentWrapper = encapsulated.context(0);
	encapsulated.end();
	const content = contentWrapper.octetString();
	contentWrapper.end();
	const certificates = readCertificates(fields.optionalContext(0));
	// Revocation lists; we read none.
	fields.optional(contextTag(1, true));
	const signers = fields.set();
	fields.end();
	const signer = readSigner(signers.sequence(), contentType);
	if (signers.hasMore) throw new FormatError('CMS', 'more than one signer');
	return { contentType, content, certificates, signer };
}

function readCertificates(list: DerReader | undefined): Uint8Array[] {
	const certificates: Uint8Array[] = [];
	while (list?.hasMore) {
		if (certificates.length === MAX_CERTIFICATES)
			throw new FormatError('CMS', `more than ${MAX_CERTIFICATES} certificates`);
		certificates.push(list.read(TAG_SEQUENCE).raw);
	}
	return certificates;
}

function readSigner(fields: DerReader, contentType: string): SignerInfo {
	if (fields.smallInteger() !== 1) throw new FormatError('CMS', 'the signer is not named by issuer and serial number');
	const signerId = fields.sequence();
	const issuer = signerId.read(TAG_SEQUENCE).raw;
	const serial = signerId.integerBytes();
	signerId.end();
	const digestAlgorithm = readHashAlgorithm(fields);
	const attributesContent = fields.read(contextTag(0, true)).value;
	const signatureAlgorithm = fields.sequence().oid();
	const signature = fields.octetString();
	// Unsigned attributes: anybody may have added them.
	fields.optional(contextTag(1, true));
	fields.end();

	const attributes = readAttributes(attributesContent);
	const messageDigest = new DerReader(required(attributes, OID_MESSAGE_DIGEST)).octetString();
	// Section 11.1: without this comparison content of one type could be passed off as another.
	if (new DerReader(required(attributes, OID_CONTENT_TYPE)).oid() !== contentType)
		throw new FormatError('CMS', 'the signer signed another content type');
	return {
		issuer,
		serial,
		digestAlgorithm,
		signatureAlgorithm,
		signature,
		signedAttributes: derRaw(TAG_SET, attributesContent),
		messageDigest,
		attribute: (oid) => attributes.get(oid),
	};
}

/** Attributes by type, each with its single value. */
function readAttributes(content: Uint8Array): Map<string, Uint8Array> {
	const list = new DerReader(content);
	const attributes = new Map<string, Uint8Array>();
	while (list.hasMore) {
		const attribute = list.sequence();
		const oid = attribute.oid();
		const values = attribute.set();
		attribute.end();
		const value = values.read().raw;
		values.end();
		if (attributes.has(oid) || attributes.size === MAX_ATTRIBUTES)
			throw new FormatError('CMS', `attribute ${oid} stands twice, or there are too many`);
		attributes.set(oid, value);
	}
	return attributes;
}

function required(attributes: ReadonlyMap<string, Uint8Array>, oid: string): Uint8Array {
	const value = attributes.get(oid);
	if (!value) throw new FormatError('CMS', `the signed attribute ${oid} is missing`);
	return value;
}
