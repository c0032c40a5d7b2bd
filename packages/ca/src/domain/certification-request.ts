/**
 * PKCS#10 certification requests (RFC 2986). Only the key and the self-signature are used: what a request says about
 * its subject is not proven by anything, and clients put all kinds of text there. So the subject and the attributes are
 * stepped over without being understood.
 */
import { fromUtf8 } from '@chancery/core/bytes';
import { contextTag, DerReader, TAG_SEQUENCE } from '@chancery/core/der';
import { FormatError } from '@chancery/core/format-error';
import { parsePem } from '@chancery/core/pem';

const LABELS = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];

export interface CertificationRequest {
	/** The signed bytes: DER of the CertificationRequestInfo. */
	readonly info: Uint8Array;
	/** DER of the SubjectPublicKeyInfo. */
	readonly publicKey: Uint8Array;
	/** Dotted identifier of the signature algorithm. */
	readonly signatureAlgorithm: string;
	readonly signature: Uint8Array;
}

/**
 * Reads a request in PEM.
 * @throws {FormatError}
 */
export function parseCertificationRequest(pem: Uint8Array): CertificationRequest {
	const [block, ...more] = parsePem(fromUtf8(pem));
	if (!block || more.length > 0 || !LABELS.includes(block.label))
		throw new FormatError('PKCS#10', `not one PEM block named ${LABELS[0]}`);
	const outer = new DerReader(block.der);
	const request = outer.sequence();
	outer.end();
	const info = request.read(TAG_SEQUENCE);
	const algorithm = request.sequence();
	const signature = request.bitString();
	request.end();

	const fields = new DerReader(info.value);
	if (fields.smallInteger() !== 0) throw new FormatError('PKCS#10', 'not version 1');
	fields.read(TAG_SEQUENCE);
	const publicKey = fields.read(TAG_SEQUENCE).raw;
	// Some writers leave out the attributes when there are none, though the field is not optional.
	fields.optional(contextTag(0, true));
	fields.end();
	return { info: info.raw, publicKey, signatureAlgorithm: algorithm.oid(), signature };
}
