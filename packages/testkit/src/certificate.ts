/**
 * Certificates put together element by element, so that a test can make any of them wrong. Who signs, and how, is the
 * test's affair; nothing of what is written here is checked.
 */
import {
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
} from '@chancery/core/der';

export interface CertificateFields {
	/** Common names. */
	readonly issuer: string;
	readonly subject: string;
	/** DER SubjectPublicKeyInfo. */
	readonly publicKey: Uint8Array;
	/** DER AlgorithmIdentifier of the signature. */
	readonly algorithm: Uint8Array;
	readonly serial: number | Uint8Array;
	readonly notBefore: Date;
	readonly notAfter: Date;
	/** DER of whole Extension elements, in order; none at all leaves the field out. */
	readonly extensions: readonly Uint8Array[];
}

/** DER of the TBSCertificate (RFC 5280 section 4.1), version 3. */
export function tbsCertificate(fields: CertificateFields): Uint8Array {
	const { issuer, subject, publicKey, algorithm, serial, notBefore, notAfter, extensions } = fields;
	return derSequence(
		derContext(0, {}, derInteger(2)),
		derInteger(serial),
		algorithm,
		commonName(issuer),
		derSequence(derTime(notBefore), derTime(notAfter)),
		commonName(subject),
		publicKey,
		...(extensions.length > 0 ? [derContext(3, {}, derSequence(...extensions))] : []),
	);
}

/** DER of a Name with nothing but a common name. */
export function commonName(name: string): Uint8Array {
	return derSequence(derSet(derSequence(derOid('2.5.4.3'), derUtf8(name))));
}

/** DER of an Extension. */
export function extension(oid: string, value: Uint8Array, critical = false): Uint8Array {
	return derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctetString(value));
}

export function basicConstraints(ca: boolean, pathLength?: number): Uint8Array {
	const parts = [...(ca ? [derBoolean(true)] : []), ...(pathLength === undefined ? [] : [derInteger(pathLength)])];
	return extension('2.5.29.19', derSequence(...parts), true);
}

/** Bit 0 is digitalSignature, bit 5 keyCertSign. */
export function keyUsage(...bits: readonly number[]): Uint8Array {
	return extension('2.5.29.15', derNamedBits(bits), true);
}

/** Purposes, for `extendedKeyUsage`. */
export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

export function extendedKeyUsage(oids: readonly string[], critical = false): Uint8Array {
	return extension('2.5.29.37', derSequence(...oids.map(derOid)), critical);
}
