/**
 * Writing certificates (RFC 5280 section 4.1): the parts that every authority of ours has in common. What a certificate
 * says, and who may get one, is decided by the authority.
 */
import {
	OID_AUTHORITY_KEY_ID,
	OID_BASIC_CONSTRAINTS,
	OID_EXTENDED_KEY_USAGE,
	OID_KEY_USAGE,
	OID_SUBJECT_KEY_ID,
} from './certificate.ts';
import {
	derBitString,
	derBoolean,
	derContext,
	derInteger,
	derNamedBits,
	derOctetString,
	derOid,
	derSequence,
	derSet,
	derTime,
	derUtf8,
} from './der.ts';
import { keyIdentifier } from './spki.ts';

const SERIAL_OCTETS = 20;

/**
 * A serial number (section 4.1.2.2) from random octets: 20 octets that are their own INTEGER content. The top bit is
 * clear, so that the number is positive, and the first octet is not zero, so that every serial has the same length. Just
 * under 159 bits are random.
 */
export function newSerialNumber(random: (n: number) => Uint8Array): Uint8Array {
	const serial = new Uint8Array(random(SERIAL_OCTETS));
	if (serial.length !== SERIAL_OCTETS)
		throw new RangeError(`the random source gave ${serial.length} of ${SERIAL_OCTETS} octets`);
	serial[0] = serial[0]! & 0x7f || 1;
	return serial;
}

/** A Name of organisation and common name, each a UTF8String in a set of its own (section 4.1.2.4). */
export function encodeName(organization: string, commonName: string): Uint8Array {
	const attribute = (oid: string, value: string) => derSet(derSequence(derOid(oid), derUtf8(value)));
	return derSequence(attribute('2.5.4.10', organization), attribute('2.5.4.3', commonName));
}

/** One element of Extensions; `value` is DER, or whatever else the extension holds. */
export function encodeExtension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
	return derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctetString(value));
}

/** What makes a CA of a certificate: keyUsage keyCertSign and cRLSign, basicConstraints; both critical. */
export function encodeCaExtensions(pathLength: number): Uint8Array[] {
	return [
		encodeExtension(OID_KEY_USAGE, true, derNamedBits([5, 6])),
		encodeExtension(OID_BASIC_CONSTRAINTS, true, derSequence(derBoolean(true), derInteger(pathLength))),
	];
}

/** keyUsage digitalSignature, critical. */
export function encodeSigningUsage(): Uint8Array {
	return encodeExtension(OID_KEY_USAGE, true, derNamedBits([0]));
}

/** Extended key usage with one purpose. */
export function encodePurpose(purpose: string, critical: boolean): Uint8Array {
	return encodeExtension(OID_EXTENDED_KEY_USAGE, critical, derSequence(derOid(purpose)));
}

/** Subject key identifier of a key (DER SPKI). */
export function encodeSubjectKeyId(publicKey: Uint8Array): Uint8Array {
	return encodeExtension(OID_SUBJECT_KEY_ID, false, derOctetString(keyIdentifier(publicKey)));
}

/** Authority key identifier that repeats the issuer's subject key identifier. */
export function encodeAuthorityKeyId(keyId: Uint8Array): Uint8Array {
	return encodeExtension(OID_AUTHORITY_KEY_ID, false, derSequence(derContext(0, { constructed: false }, keyId)));
}

export interface TbsFields {
	/** Content octets of the INTEGER. */
	readonly serial: Uint8Array;
	/** DER of the AlgorithmIdentifier of the signature. */
	readonly signatureIdentifier: Uint8Array;
	/** DER Names. */
	readonly issuer: Uint8Array;
	readonly subject: Uint8Array;
	readonly notBefore: Date;
	readonly notAfter: Date;
	/** DER SPKI. */
	readonly publicKey: Uint8Array;
	/** DER of each extension, in order. */
	readonly extensions: readonly Uint8Array[];
}

/** DER of a TBSCertificate of version 3. */
export function encodeTbsCertificate(fields: TbsFields): Uint8Array {
	return derSequence(
		derContext(0, {}, derInteger(2)),
		derInteger(fields.serial),
		fields.signatureIdentifier,
		fields.issuer,
		derSequence(derTime(fields.notBefore), derTime(fields.notAfter)),
		fields.subject,
		fields.publicKey,
		derContext(3, {}, derSequence(...fields.extensions)),
	);
}

/** DER of the certificate: the signed bytes, how they were signed, and the signature. */
export function encodeSignedCertificate(
	tbs: Uint8Array,
	signatureIdentifier: Uint8Array,
	signature: Uint8Array,
): Uint8Array {
	return derSequence(tbs, signatureIdentifier, derBitString(signature));
}

/** The same moment so many years later. */
export function yearsAfter(time: Date, years: number): Date {
	const later = new Date(time.getTime());
	later.setUTCFullYear(later.getUTCFullYear() + years);
	return later;
}
