/**
 * Checks that a timestamp is the requested one (RFC 3161 sections 2.4.2, RFC 5652 section 5.4, RFC 5816): granted, over this digest,
 * with this nonce, signed by this authority.
 */
import { createHash, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { children, descend, encodeTlv, readTlv, type Tlv } from './der.ts';

export interface TimestampRequest {
	/** DER of the TimeStampReq. */
	readonly body: Uint8Array;
	readonly digest: Buffer;
	/** Content of the nonce INTEGER. */
	readonly nonce: Buffer;
}

/** Contents of object identifiers. */
const MESSAGE_DIGEST = Buffer.from('2a864886f70d010904', 'hex');
const SIGNING_CERTIFICATE_V2 = Buffer.from('2a864886f70d010910022f', 'hex');
const TAG_INTEGER = 0x02;
const TAG_SET = 0x31;
const TAG_SIGNED_ATTRIBUTES = 0xa0;

export class TimestampJudge {
	readonly #key: KeyObject;
	readonly #certificateHash: Buffer;

	/** `chain` is DER, the certificate of the authority first. */
	constructor(chain: readonly Uint8Array[]) {
		const leaf = new X509Certificate(chain[0]!);
		this.#key = leaf.publicKey;
		this.#certificateHash = createHash('sha256').update(leaf.raw).digest();
	}

	/** Returns the serial number in hexadecimal, or what is wrong. */
	judge(request: TimestampRequest, body: Buffer): { readonly serial: string } | string {
		try {
			const response = readTlv(body);
			const status = descend(response, 0, 0).content;
			if (!status.equals(Buffer.of(0))) return `the status is ${status.toString('hex')}, not granted`;
			// ContentInfo, [0], SignedData: version, digest algorithms, content, optional certificates, signers.
			const signedData = descend(response, 1, 1, 0);
			const tstInfo = descend(signedData, 2, 1, 0).content;
			const signer = descend(children(signedData).at(-1)!, 0);
			return this.#judgeSignature(tstInfo, signer) ?? judgeInfo(request, readTlv(tstInfo));
		} catch (error) {
			return `the answer cannot be read: ${error instanceof Error ? error.message : String(error)}`;
		}
	}

	#judgeSignature(tstInfo: Buffer, signer: Tlv): string | undefined {
		const fields = children(signer);
		const attributes = fields.find(({ tag }) => tag === TAG_SIGNED_ATTRIBUTES);
		if (attributes === undefined) return 'the signer has no signed attributes';
		const attribute = (oid: Buffer) => {
			const found = children(attributes).find((one) => descend(one, 0).content.equals(oid));
			return found && descend(found, 1, 0);
		};
		const digest = createHash('sha256').update(tstInfo).digest();
		if (!attribute(MESSAGE_DIGEST)?.content.equals(digest)) return 'the signed digest is not that of the content';
		if (!attribute(SIGNING_CERTIFICATE_V2)?.whole.includes(this.#certificateHash))
			return 'the signature is not bound to the certificate of the authority';
		// What is signed has the tag of a SET (RFC 5652 section 5.4).
		const signed = encodeTlv(TAG_SET, attributes.content);
		const signature = fields.at(-1)!.content;
		return verify('sha256', signed, this.#key, signature) ? undefined : 'the signature is wrong';
	}
}

/** TSTInfo: version, policy, imprint, serial number, time, then optional fields in any combination. */
function judgeInfo({ digest, nonce }: TimestampRequest, info: Tlv): { readonly serial: string } | string {
	const [, , imprint, serial, , ...rest] = children(info);
	if (imprint === undefined || serial === undefined) return 'the content is not a TSTInfo';
	if (!descend(imprint, 1).content.equals(digest)) return 'the timestamp is over another digest';
	const answered = rest.find(({ tag }) => tag === TAG_INTEGER);
	if (!answered?.content.equals(nonce)) return 'the nonce is not the one that was sent';
	return { serial: serial.content.toString('hex') };
}
