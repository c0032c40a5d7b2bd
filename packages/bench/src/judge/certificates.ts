/**
 * Checks that a chain is the requested one: a certificate of this key and this person, issued by this authority, with an SCT that
 * the CT log has signed (RFC 6962 section 3.2). OpenSSL verifies the signatures of certificates.
 */
import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { children, descend, encodeTlv, readTlv, TAG_SEQUENCE, type Tlv } from './der.ts';
import { leafHash } from './merkle.ts';

/** Content of the object identifier 1.3.6.1.4.1.11129.2.4.2, the list of embedded timestamps. */
const SCT_LIST_OID = Buffer.from('2b06010401d679020402', 'hex');
const EXTENSIONS_TAG = 0xa3;
const OCTET_STRING_TAG = 0x04;
/** Version, log id and time. */
const SCT_HEAD_BYTES = 1 + 32 + 8;

export interface CertificateRequest {
	readonly body: string;
	readonly email: string;
	/** DER of the SubjectPublicKeyInfo. */
	readonly spki: Buffer;
}

export interface TrustedCa {
	/** DER, the issuing certificate first, the root last. */
	readonly chain: readonly Uint8Array[];
	/** DER of the CT log's SubjectPublicKeyInfo. */
	readonly ctLogKey: Uint8Array;
}

export class CertificateJudge {
	readonly #chain: readonly X509Certificate[];
	readonly #issuingKey: KeyObject;
	readonly #issuerKeyHash: Buffer;
	readonly #ctLogKey: KeyObject;
	readonly #ctLogId: Buffer;

	constructor({ chain, ctLogKey }: TrustedCa) {
		this.#chain = chain.map((der) => new X509Certificate(der));
		this.#issuingKey = this.#chain[0]!.publicKey;
		this.#issuerKeyHash = sha256(this.#issuingKey.export({ type: 'spki', format: 'der' }));
		this.#ctLogKey = createPublicKey({ key: Buffer.from(ctLogKey), format: 'der', type: 'spki' });
		this.#ctLogId = sha256(ctLogKey);
	}

	/** Returns the hash of the leaf that the CT log must contain, or what is wrong. */
	judge(request: CertificateRequest, body: Buffer): { readonly leaf: Buffer } | string {
		try {
			const answer = JSON.parse(body.toString()) as {
				signedCertificateEmbeddedSct?: { chain?: { certificates?: string[] } };
			};
			const pems = answer.signedCertificateEmbeddedSct?.chain?.certificates;
			if (pems === undefined) return 'the answer holds no certificate with an embedded timestamp';
			const [leaf, ...issuers] = pems.map((pem) => new X509Certificate(pem));
			if (leaf === undefined) return 'the chain is empty';
			return this.#judgeIssuers(issuers) ?? this.#judgeLeaf(request, leaf);
		} catch (error) {
			return `the answer cannot be read: ${error instanceof Error ? error.message : String(error)}`;
		}
	}

	#judgeIssuers(issuers: readonly X509Certificate[]): string | undefined {
		const isOurs = issuers.every((issuer, i) => this.#chain[i]?.raw.equals(issuer.raw));
		return isOurs && issuers.length > 0 ? undefined : 'the chain is not that of this authority';
	}

	#judgeLeaf(request: CertificateRequest, leaf: X509Certificate): { readonly leaf: Buffer } | string {
		if (!leaf.verify(this.#issuingKey)) return 'the certificate is not signed by the issuing key';
		if (leaf.subjectAltName !== `email:${request.email}`)
			return `the certificate is for ${leaf.subjectAltName}, expected ${request.email}`;
		if (!leaf.publicKey.export({ type: 'spki', format: 'der' }).equals(request.spki))
			return 'the certificate is for another key';
		const { tbs, sctList } = splitTbs(leaf.raw);
		if (sctList === undefined) return 'the certificate has no embedded timestamp';
		// The list and its one entry, each with a length of two bytes.
		const sct = sctList.subarray(4);
		if (sctList.readUInt16BE(0) !== sctList.length - 2 || sctList.readUInt16BE(2) !== sct.length)
			return 'the certificate does not have exactly one timestamp';
		if (!sct.subarray(1, 33).equals(this.#ctLogId)) return 'the timestamp is of another CT log';
		const time = sct.subarray(33, SCT_HEAD_BYTES);
		const extensions = sct.subarray(SCT_HEAD_BYTES, SCT_HEAD_BYTES + 2 + sct.readUInt16BE(SCT_HEAD_BYTES));
		const size = Buffer.alloc(3);
		size.writeUIntBE(tbs.length, 0, 3);
		// Version 1, timestamped entry or certificate timestamp (both 0), time, precertificate entry.
		const signed = Buffer.concat([Buffer.of(0, 0), time, Buffer.of(0, 1), this.#issuerKeyHash, size, tbs, extensions]);
		const signature = sct.subarray(SCT_HEAD_BYTES + extensions.length + 4);
		if (!verify('sha256', signed, this.#ctLogKey, signature)) return 'the signature of the timestamp is wrong';
		return { leaf: leafHash(signed) };
	}
}

/** The TBSCertificate without its list of timestamps, as the log has signed it, and that list. */
function splitTbs(certificate: Buffer): { tbs: Buffer; sctList: Buffer | undefined } {
	const fields = children(descend(readTlv(certificate), 0));
	let sctList: Buffer | undefined;
	const kept = fields.map((field) => {
		if (field.tag !== EXTENSIONS_TAG) return field.whole;
		const others = children(descend(field, 0)).filter((extension) => {
			const value = sctListOf(extension);
			sctList ??= value;
			return value === undefined;
		});
		return encodeTlv(EXTENSIONS_TAG, encodeTlv(TAG_SEQUENCE, ...others.map(({ whole }) => whole)));
	});
	return { tbs: encodeTlv(TAG_SEQUENCE, ...kept), sctList };
}

function sctListOf(extension: Tlv): Buffer | undefined {
	const parts = children(extension);
	if (!parts[0]?.content.equals(SCT_LIST_OID)) return undefined;
	// An OCTET STRING inside the OCTET STRING that every extension has.
	const value = readTlv(parts.at(-1)!.content);
	return value.tag === OCTET_STRING_TAG ? value.content : undefined;
}

function sha256(bytes: Uint8Array): Buffer {
	return createHash('sha256').update(bytes).digest();
}
