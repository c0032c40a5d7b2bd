/**
 * The bytes of the certificates we issue. The hot path of the service: everything is assembled by hand, in the order
 * that the precertificate and the final certificate share, so that they differ in their last extension only.
 *
 *     keyUsage (critical), extKeyUsage, subjectKeyIdentifier, authorityKeyIdentifier, subjectAltName (critical),
 *     Fulcio's extensions by number, then poison (critical) or the SCT list
 */
import { EKU_CODE_SIGNING, OID_SUBJECT_ALT_NAME } from '@chancery/core/certificate';
import {
	encodeAuthorityKeyId,
	encodeExtension,
	encodePurpose,
	encodeSignedCertificate,
	encodeSigningUsage,
	encodeSubjectKeyId,
	encodeTbsCertificate,
} from '@chancery/core/certificate-encoding';
import { derContext, derNull, derSequence, ia5Content } from '@chancery/core/der';
import { encodeFulcioExtension, type FulcioExtensionName } from '@chancery/core/fulcio-extensions';
import { POISON_OID, SCT_LIST_OID } from '@chancery/core/precertificate';
import { SIGNATURE_IDENTIFIERS } from '@chancery/core/signature-algorithm';
import type { KeyAlgorithm } from '@chancery/keys/signer';
import type { ExtensionValues, SubjectName } from '../issuers/issuer-type.ts';

/** Ten minutes: long enough to sign once, short enough that nobody needs revocation. */
export const LEAF_LIFETIME_MS = 10 * 60_000;

export interface LeafFields {
	/** Content octets of the serial number. */
	readonly serial: Uint8Array;
	/** DER of the issuing certificate's subject. */
	readonly issuerName: Uint8Array;
	readonly signatureAlgorithm: KeyAlgorithm;
	readonly notBefore: Date;
	readonly notAfter: Date;
	/** DER of the SubjectPublicKeyInfo. */
	readonly publicKey: Uint8Array;
	readonly authorityKeyId: Uint8Array;
	readonly subject: SubjectName;
	readonly extensions: ExtensionValues;
}

/** What the last extension is: the mark of a precertificate, or the timestamp that it earned. */
export type LastExtension = { readonly kind: 'poison' } | { readonly kind: 'sct-list'; readonly value: Uint8Array };

/**
 * DER of the TBSCertificate (RFC 5280 section 4.1.2); without a last extension it is what both certificates share and
 * what the log signs. The value of an SCT list is as `encodeSctList` writes it.
 * @throws FormatError when a name or value cannot be encoded; the checks before have excluded that.
 */
export function encodeLeafTbs(fields: LeafFields, last?: LastExtension): Uint8Array {
	return encodeTbsCertificate({
		serial: fields.serial,
		signatureIdentifier: SIGNATURE_IDENTIFIERS[fields.signatureAlgorithm],
		issuer: fields.issuerName,
		// Empty: the alternative name is the identity (and critical because of that).
		subject: derSequence(),
		notBefore: fields.notBefore,
		notAfter: fields.notAfter,
		publicKey: fields.publicKey,
		extensions: [...leafExtensions(fields), ...(last ? [lastExtension(last)] : [])],
	});
}

/** DER of the certificate: the signed bytes, how they were signed, and the signature. */
export function encodeCertificate(tbs: Uint8Array, algorithm: KeyAlgorithm, signature: Uint8Array): Uint8Array {
	return encodeSignedCertificate(tbs, SIGNATURE_IDENTIFIERS[algorithm], signature);
}

function leafExtensions(fields: LeafFields): Uint8Array[] {
	return [
		encodeSigningUsage(),
		encodePurpose(EKU_CODE_SIGNING, false),
		encodeSubjectKeyId(fields.publicKey),
		encodeAuthorityKeyId(fields.authorityKeyId),
		encodeExtension(OID_SUBJECT_ALT_NAME, true, derSequence(encodeGeneralName(fields.subject))),
		...fulcioExtensions(fields.extensions),
	];
}

/** rfc822Name [1] or uniformResourceIdentifier [6], both IMPLICIT IA5String (RFC 5280 section 4.2.1.6). */
function encodeGeneralName({ type, value }: SubjectName): Uint8Array {
	return derContext(type === 'email' ? 1 : 6, { constructed: false }, ia5Content(value));
}

/** In the order of their numbers; an empty value makes no extension. */
function fulcioExtensions(values: ExtensionValues): Uint8Array[] {
	return Object.entries(values)
		.filter(([, value]) => value !== undefined && value !== '')
		.map(([name, value]) => encodeFulcioExtension(name as FulcioExtensionName, value))
		.sort((a, b) => lastArc(a.oid) - lastArc(b.oid))
		.map(({ oid, value }) => encodeExtension(oid, false, value));
}

function lastArc(oid: string): number {
	return Number(oid.slice(oid.lastIndexOf('.') + 1));
}

function lastExtension(last: LastExtension): Uint8Array {
	if (last.kind === 'poison') return encodeExtension(POISON_OID, true, derNull());
	return encodeExtension(SCT_LIST_OID, false, last.value);
}
