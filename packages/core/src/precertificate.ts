/**
 * What a certificate and its precertificate have in common (RFC 6962 sections 3.1 to 3.3): the TBSCertificate without
 * the poison of the one and without the SCT list of the other.
 *
 * One extension is cut out and the enclosing lengths are written anew; every other byte stays as its issuer wrote it.
 * Decoding and encoding again would be one more chance for two implementations to disagree about signed bytes.
 */
import { type Certificate, readExtension } from './certificate.ts';
import { contextTag, DerReader, derContext, derSequence, TAG_SEQUENCE } from './der.ts';
import { FormatError } from './format-error.ts';
import { sha256 } from './sha.ts';

/** Critical, value NULL: no certificate user may take a precertificate for a certificate. */
export const POISON_OID = '1.3.6.1.4.1.11129.2.4.3';

/** Not critical, value as `encodeSctList` in ct.ts writes it. */
export const SCT_LIST_OID = '1.3.6.1.4.1.11129.2.4.2';

/** TBSCertificate of a precertificate without its poison. Throws FormatError when it has none. */
export function tbsWithoutPoison(precertificate: Certificate): Uint8Array {
	return withoutExtension(precertificate.tbs, POISON_OID);
}

/** TBSCertificate of a final certificate without its SCT list. Throws FormatError when it has none. */
export function tbsWithoutSct(certificate: Certificate): Uint8Array {
	return withoutExtension(certificate.tbs, SCT_LIST_OID);
}

/** SHA-256 of the issuer's SubjectPublicKeyInfo, which binds an entry to the key that signs the final certificate. */
export function issuerKeyHash(issuer: Certificate): Uint8Array {
	return sha256(issuer.publicKey);
}

function withoutExtension(tbs: Uint8Array, oid: string): Uint8Array {
	const fields = new DerReader(tbs).sequence();
	const kept: Uint8Array[] = [];
	let found = false;
	while (fields.hasMore) {
		if (fields.peekTag() !== contextTag(3, true)) {
			kept.push(fields.read().raw);
			continue;
		}
		const list = fields.context(3).sequence();
		const extensions: Uint8Array[] = [];
		while (list.hasMore) {
			const element = list.read(TAG_SEQUENCE);
			if (readExtension(element).oid === oid) found = true;
			else extensions.push(element.raw);
		}
		// Extensions is SIZE (1..MAX): without a member the whole field goes.
		if (extensions.length > 0) kept.push(derContext(3, {}, derSequence(...extensions)));
	}
	if (!found) throw new FormatError('certificate', `extension ${oid} is missing`);
	return derSequence(...kept);
}
