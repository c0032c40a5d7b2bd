/**
 * Timestamps (RFC 3161 section 2.4): requests written and read, responses taken apart for a verifier.
 *
 * Nothing is verified here. Whoever believes a timestamp has checked the signature over `signer.signedAttributes`, the
 * digest of `tstInfo` against `signer.messageDigest`, the certificate against the `signingCertificate` attribute and
 * the imprint against the data.
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { HASHES } from './algorithms.ts';
import { equalBytes } from './bytes.ts';
import { parseSignedData, readHashAlgorithm, type SignerInfo } from './cms.ts';
import {
	contextTag,
	DerReader,
	derBoolean,
	derInteger,
	derNull,
	derOctetString,
	derOid,
	derSequence,
	TAG_BIT_STRING,
	TAG_BOOLEAN,
	TAG_GENERALIZED_TIME,
	TAG_INTEGER,
	TAG_OID,
	TAG_SEQUENCE,
} from './der.ts';
import { FormatError } from './format-error.ts';
import { digest, digestLength, type HashAlgorithm } from './sha.ts';

const OID_TST_INFO = '1.2.840.113549.1.9.16.1.4';
const OID_SIGNING_CERTIFICATE = '1.2.840.113549.1.9.16.2.12';
const OID_SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';

/** A token with a chain has a few kilobytes. */
const MAX_RESPONSE_LENGTH = 256 * 1024;

export interface MessageImprint {
	readonly hashAlgorithm: HashAlgorithm;
	readonly digest: Uint8Array;
}

export interface TimeStampReq {
	readonly imprint: MessageImprint;
	/** Dotted identifier of the policy asked for. */
	readonly policy?: string;
	/** Content octets of the INTEGER, to be compared octet for octet. */
	readonly nonce?: Uint8Array;
	/** Whether the response shall carry the authority's certificate. */
	readonly certReq: boolean;
}

/** DER of a request. The nonce is an unsigned big-endian number. */
export function encodeTimeStampReq({ imprint, policy, nonce, certReq }: TimeStampReq): Uint8Array {
	const parts = [derInteger(1), encodeImprint(imprint)];
	if (policy !== undefined) parts.push(derOid(policy));
	if (nonce !== undefined) parts.push(derInteger(nonce));
	if (certReq) parts.push(derBoolean(true));
	return derSequence(...parts);
}

/** Reads a request. Throws FormatError; extensions are refused, because none has a meaning here. */
export function parseTimeStampReq(der: Uint8Array): TimeStampReq {
	const outer = new DerReader(der);
	const fields = outer.sequence();
	outer.end();
	if (fields.smallInteger() !== 1) throw new FormatError('timestamp request', 'not version 1');
	const imprint = readImprint(fields);
	const policy = fields.peekTag() === TAG_OID ? fields.oid() : undefined;
	const nonce = fields.peekTag() === TAG_INTEGER ? fields.integerBytes() : undefined;
	const certReq = fields.peekTag() === TAG_BOOLEAN && fields.boolean();
	fields.end();
	return {
		imprint,
		...(policy === undefined ? {} : { policy }),
		...(nonce === undefined ? {} : { nonce }),
		certReq,
	};
}

function encodeImprint({ hashAlgorithm, digest: value }: MessageImprint): Uint8Array {
	return derSequence(derSequence(derOid(HASHES[hashAlgorithm].oid), derNull()), derOctetString(value));
}

function readImprint(reader: DerReader): MessageImprint {
	const fields = reader.sequence();
	const hashAlgorithm = readHashAlgorithm(fields);
	const value = fields.octetString();
	fields.end();
	if (value.length !== digestLength(hashAlgorithm))
		throw new FormatError('timestamp', 'the imprint does not have the length of its hash');
	return { hashAlgorithm, digest: value };
}

/** What an authority answered, before anything else is known about it (section 2.4.2). */
export interface TimeStampStatus {
	/** 0 granted, 1 granted with modifications, 2 to 5 refused. */
	readonly status: number;
	readonly statusText: readonly string[];
	/** Bit numbers of PKIFailureInfo. */
	readonly failInfo: readonly number[];
	/** DER of the token (a CMS ContentInfo); undefined in a refusal. */
	readonly token: Uint8Array | undefined;
}

/** Reads the outer part of a response. Throws FormatError. */
export function parseTimeStampStatus(der: Uint8Array): TimeStampStatus {
	if (der.length > MAX_RESPONSE_LENGTH) throw new FormatError('timestamp response', 'longer than 256 KiB');
	const outer = new DerReader(der);
	const response = outer.sequence();
	outer.end();
	const info = response.sequence();
	const token = response.optional(TAG_SEQUENCE)?.raw;
	response.end();
	const status = info.smallInteger();
	const texts = info.enterOptional(TAG_SEQUENCE);
	const failInfo = info.peekTag() === TAG_BIT_STRING ? info.namedBits() : [];
	info.end();
	const statusText: string[] = [];
	while (texts?.hasMore) statusText.push(texts.text());
	if ((status === 0 || status === 1) !== (token !== undefined))
		throw new FormatError('timestamp response', `status ${status} ${token ? 'with' : 'without'} a token`);
	return { status, statusText, failInfo, token };
}

/** A granted response, taken apart. */
export interface TimeStampResp {
	/** 0 or 1. */
	readonly status: number;
	/** DER of the TSTInfo: what `signer.messageDigest` is the digest of. */
	readonly tstInfo: Uint8Array;
	readonly policy: string;
	readonly imprint: MessageImprint;
	/** Content octets. */
	readonly serial: Uint8Array;
	readonly genTime: Date;
	/** By how much genTime may be wrong, where the authority says so. */
	readonly accuracyMs?: number;
	/** Content octets of the INTEGER; equal to those of the request when it had one. */
	readonly nonce?: Uint8Array;
	/** DER of the certificates that came along. */
	readonly certificates: readonly Uint8Array[];
	readonly signer: SignerInfo;
	/** Which certificate the signer says it used: a hash of its DER (RFC 5035, RFC 5816). */
	readonly signingCertificate: CertificateHash;
}

export interface CertificateHash {
	/** SHA-1 in the form that RFC 3161 began with; it names the certificate, the signature proves it. */
	readonly hashAlgorithm: HashAlgorithm | 'SHA1';
	readonly digest: Uint8Array;
}

/** Reads a response and its token. Throws FormatError, also for a refusal: `parseTimeStampStatus` reads that. */
export function parseTimeStampResp(der: Uint8Array): TimeStampResp {
	const { status, token } = parseTimeStampStatus(der);
	if (!token) throw new FormatError('timestamp response', `refused with status ${status}`);
	const { contentType, content, certificates, signer } = parseSignedData(token);
	if (contentType !== OID_TST_INFO) throw new FormatError('timestamp', 'the token is about something else');
	return {
		status,
		tstInfo: content,
		...parseTstInfo(content),
		certificates,
		signer,
		signingCertificate: readSigningCertificate(signer),
	};
}

/** Whether this is the certificate that the signer named. */
export function isSigningCertificate(named: CertificateHash, certificate: Uint8Array): boolean {
	const hash = named.hashAlgorithm === 'SHA1' ? sha1(certificate) : digest(named.hashAlgorithm, certificate);
	return equalBytes(hash, named.digest);
}

type TstInfo = Pick<TimeStampResp, 'policy' | 'imprint' | 'serial' | 'genTime' | 'accuracyMs' | 'nonce'>;

/** Reads a TSTInfo (section 2.4.2). Throws FormatError. */
export function parseTstInfo(der: Uint8Array): TstInfo {
	const outer = new DerReader(der);
	const fields = outer.sequence();
	outer.end();
	if (fields.smallInteger() !== 1) throw new FormatError('timestamp', 'not version 1');
	const policy = fields.oid();
	const imprint = readImprint(fields);
	const serial = fields.integerBytes();
	if (fields.peekTag() !== TAG_GENERALIZED_TIME) throw new FormatError('timestamp', 'no GeneralizedTime');
	const genTime = fields.time();
	const accuracy = fields.enterOptional(TAG_SEQUENCE);
	if (fields.peekTag() === TAG_BOOLEAN) fields.boolean();
	const nonce = fields.peekTag() === TAG_INTEGER ? fields.integerBytes() : undefined;
	// The authority's name and its extensions: the certificate says the former, we know none of the latter.
	fields.optional(contextTag(0, true));
	fields.optional(contextTag(1, true));
	fields.end();
	return {
		policy,
		imprint,
		serial,
		genTime,
		...(accuracy === undefined ? {} : { accuracyMs: readAccuracy(accuracy) }),
		...(nonce === undefined ? {} : { nonce }),
	};
}

function readAccuracy(fields: DerReader): number {
	const seconds = fields.peekTag() === TAG_INTEGER ? fields.smallInteger() : 0;
	const millis = readSmall(fields.optional(contextTag(0, false))?.value);
	const micros = readSmall(fields.optional(contextTag(1, false))?.value);
	fields.end();
	if (seconds < 0 || millis > 999 || micros > 999) throw new FormatError('timestamp', 'an accuracy out of range');
	return seconds * 1000 + millis + micros / 1000;
}

/** IMPLICIT INTEGER (1..999): one or two octets. */
function readSmall(content: Uint8Array | undefined): number {
	if (content === undefined) return 0;
	if (content.length < 1 || content.length > 2 || content[0]! >= 0x80)
		throw new FormatError('timestamp', 'an accuracy out of range');
	return content.reduce((value, octet) => value * 256 + octet, 0);
}

/** The first certificate id of the signing certificate attribute: it is the signer's own (RFC 5035 section 5.4). */
function readSigningCertificate(signer: SignerInfo): CertificateHash {
	const second = signer.attribute(OID_SIGNING_CERTIFICATE_V2);
	const first = signer.attribute(OID_SIGNING_CERTIFICATE);
	if (second) {
		const id = new DerReader(second).sequence().sequence().sequence();
		const hashAlgorithm = id.peekTag() === TAG_SEQUENCE ? readHashAlgorithm(id) : 'SHA2_256';
		return { hashAlgorithm, digest: id.octetString() };
	}
	if (first)
		return { hashAlgorithm: 'SHA1', digest: new DerReader(first).sequence().sequence().sequence().octetString() };
	throw new FormatError('timestamp', 'the signer does not name its certificate');
}
