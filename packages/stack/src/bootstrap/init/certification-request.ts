/**
 * PKCS#10 certification requests (RFC 2986) for an existing PKI. Written here because the key may lie in a token, behind a
 * `Signer`, where libraries want one of WebCrypto.
 *
 *     CertificationRequestInfo ::= SEQUENCE { version 0, subject Name, SubjectPublicKeyInfo, attributes [0] }
 *     attribute extensionRequest (RFC 2985 section 5.4.2) ::= SEQUENCE { oid, SET { Extensions } }
 */
import { SIGNATURE_IDENTIFIERS } from '@chancery/core/algorithm-registry';
import { derBitString, derContext, derInteger, derOid, derSequence, derSet } from '@chancery/core/der';
import { encodePem } from '@chancery/core/pem';
import type { Signer } from '@chancery/keys/signer';

const OID_EXTENSION_REQUEST = '1.2.840.113549.1.9.14';

/** PEM of a request for a certificate with this subject (DER Name) and these extensions (DER each), signed by its key. */
export async function signCertificationRequest(
	signer: Signer,
	{ subject, extensions }: { readonly subject: Uint8Array; readonly extensions: readonly Uint8Array[] },
): Promise<string> {
	const wanted = derSequence(derOid(OID_EXTENSION_REQUEST), derSet(derSequence(...extensions)));
	const info = derSequence(derInteger(0), subject, signer.publicKey, derContext(0, {}, wanted));
	const signature = await signer.sign(info);
	return encodePem(
		'CERTIFICATE REQUEST',
		derSequence(info, SIGNATURE_IDENTIFIERS[signer.algorithm], derBitString(signature)),
	);
}
