/**
 * The bytes of the certificates we issue. The hot path of the service: everything is assembled by hand, in the order
 * that the precertificate and the final certificate share, so that they differ in their last extension only.
 *
 *     keyUsage (critical), extKeyUsage, subjectKeyIdentifier, authorityKeyIdentifier, subjectAltName (critical),
 *     Fulcio's extensions by number, then poison (critical) or the SCT list
 */

import { SIGNATURE_IDENTIFIERS } from '@chancery/core/algorithm-registry';
import { EKU_CODE_SIGNING, OID_SUBJECT_ALT_NAME } from '@chancery/core/certificate';
import {
	encodeAuthorityKeyId,
	encodeExtension,
	encodePurpose,
	encodeSignedCertificate,
	encodeSigningUsage,
	encodeSubjectKeyId,
	encodeTbsCertificate,
	type TbsFields,
} from '@chancery/core/certificate-encoding';
import { derContext, derNull, derSequence, ia5Content } from '@chancery/core/der';
import { encodeFulcioExtension, type FulcioExtensionName } from '@chancery/core/fulcio-extensions';
import { POISON_OID, SCT_LIST_OID } from '@chancery/core/precertificate';
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

/** What precertificate and certificate have in common, encoded once. */
export interface SharedTbs {
	readonly fields: TbsFields;
	/** The TBSCertificate without a last extension: what the log signs. */
	readonly encoded: Uint8Array;
}

/** @throws {FormatError} when a name or value cannot be encoded; the checks before have excluded that. */
export function sharedTbs(leaf: LeafFields): SharedTbs {
	const fields: TbsFields = {
		serial: leaf.serial,
		signatureIdentifier: SIGNATURE_IDENTIFIERS[leaf.signatureAlgorithm],
		issuer: leaf.issuerName,
		// Empty: the alternative name is the identity (and critical because of that).
		subject: derSequence(),
		notBefore: leaf.notBefore,
		notAfter: leaf.notAfter,
		publicKey: leaf.publicKey,
		extensions: leafExtensions(leaf),
	};
	return { fields, encoded: encodeTbsCertificate(fields) };
}

/**
 * DER of the TBSCertificate (RFC 5280 section 4.1.2) with its last extension. The value of an SCT list is as
 * `encodeSctList` writes it.
 */
export function encodeLeafTbs({ fields }: SharedTbs, last: LastExtension): Uint8Array {
	return encodeTbsCertificate({ ...fields, extensions: [...fields.extensions, lastExtension(last)] });
}

/** DER of the certificate: the signed bytes, how they were signed, and the signature. */
export function encodeCertificate(tbs: Uint8Array, algorithm: KeyAlgorithm, signature: Uint8Array): Uint8Array {
	return encodeSignedCertificate(tbs, SIGNATURE_IDENTIFIERS[algorithm], signature);
}

/** The same in every certificate. */
const USAGE_EXTENSIONS = [encodeSigningUsage(), encodePurpose(EKU_CODE_SIGNING, false)];

function leafExtensions(fields: LeafFields): Uint8Array[] {
	return [
		...USAGE_EXTENSIONS,
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
