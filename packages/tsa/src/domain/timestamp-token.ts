/**
 * The timestamp token: TSTInfo (RFC 3161 section 2.4.2) inside CMS SignedData (RFC 5652 section 5).
 *
 * Written directly with the DER writer. Verifiers differ in what they tolerate, so the form is the strictest: one signer, eContent
 * in one piece, attributes in DER order, the certificate only on request.
 */
import {
	contextTag,
	DerReader,
	derContext,
	derGeneralizedTime,
	derInteger,
	derOctetString,
	derOid,
	derRaw,
	derSequence,
	derSet,
	derUtcTime,
	TAG_INTEGER,
	TAG_SET,
} from '@chancery/core/der';
import { sha256 } from '@chancery/core/sha';
import type { Authority } from './authority.ts';

const OID_SIGNED_DATA = '1.2.840.113549.1.7.2';
const OID_TST_INFO = '1.2.840.113549.1.9.16.1.4';
const OID_CONTENT_TYPE = '1.2.840.113549.1.9.3';
const OID_MESSAGE_DIGEST = '1.2.840.113549.1.9.4';
const OID_SIGNING_TIME = '1.2.840.113549.1.9.5';
const OID_SIGNING_CERTIFICATE_V2 = '1.2.840.113549.1.9.16.2.47';

const TAG_SIGNED_ATTRIBUTES = contextTag(0, true);

export interface TokenStatement {
	/** Dotted OID of the policy under which the token is issued. */
	readonly policy: string;
	/** DER of the MessageImprint of the request. */
	readonly imprint: Uint8Array;
	/** Magnitude of the serial number, at most 20 bytes, top bit clear, first byte not zero. */
	readonly serial: Uint8Array;
	/** Whole seconds. */
	readonly genTime: Date;
	readonly accuracySeconds: number;
	/** DER of the nonce INTEGER of the request. */
	readonly nonce: Uint8Array | undefined;
}

/** DER of the TSTInfo. `ordering` is FALSE, which DER omits: tokens of one second are not ordered. */
export function encodeTstInfo(statement: TokenStatement): Uint8Array {
	return derSequence(
		derInteger(1),
		derOid(statement.policy),
		statement.imprint,
		derInteger(statement.serial),
		derGeneralizedTime(statement.genTime),
		derSequence(derInteger(statement.accuracySeconds)),
		...(statement.nonce ? [statement.nonce] : []),
	);
}

/**
 * Signs a TSTInfo and returns the DER of the ContentInfo.
 * @throws {Error} whatever the signer throws
 */
export async function signToken(
	authority: Authority,
	tstInfo: Uint8Array,
	options: { genTime: Date; includeCertificate: boolean },
): Promise<Uint8Array> {
	const { algorithm, leaf } = authority;
	const attributes = derSet(
		attribute(OID_CONTENT_TYPE, derOid(OID_TST_INFO)),
		attribute(OID_MESSAGE_DIGEST, derOctetString(algorithm.digest(tstInfo))),
		attribute(OID_SIGNING_TIME, derUtcTime(options.genTime)),
		attribute(OID_SIGNING_CERTIFICATE_V2, signingCertificateV2(leaf.der)),
	);
	// The signature covers the attributes as a SET; in the message they have the tag [0] (RFC 5652 section 5.4).
	const signature = await authority.signer.sign(attributes);
	const signerInfo = derSequence(
		derInteger(1),
		derSequence(leaf.issuer, derRaw(TAG_INTEGER, leaf.serial)),
		algorithm.digestIdentifier,
		derRaw(TAG_SIGNED_ATTRIBUTES, new DerReader(attributes).read(TAG_SET).value),
		algorithm.signatureIdentifier,
		derOctetString(signature),
	);
	const signedData = derSequence(
		derInteger(3),
		derSet(algorithm.digestIdentifier),
		derSequence(derOid(OID_TST_INFO), derContext(0, {}, derOctetString(tstInfo))),
		...(options.includeCertificate ? [derContext(0, {}, leaf.der)] : []),
		derSet(signerInfo),
	);
	return derSequence(derOid(OID_SIGNED_DATA), derContext(0, {}, signedData));
}

/**
 * Binds the token to one certificate, so that another certificate for the same key cannot replace it (RFC 5816). The digest
 * algorithm is SHA-256, the default, which DER omits; issuer and serial are optional, and are in the signer info.
 */
function signingCertificateV2(leafDer: Uint8Array): Uint8Array {
	const essCertIdV2 = derSequence(derOctetString(sha256(leafDer)));
	return derSequence(derSequence(essCertIdV2));
}

const attribute = (oid: string, value: Uint8Array) => derSequence(derOid(oid), derSet(value));
