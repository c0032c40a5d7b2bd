/**
 * The certificates of a new authority: a root that only signs issuing certificates and can be kept offline, and an
 * issuing certificate for code signing. Made once, by whoever sets up an instance.
 */
import {
	EKU_CODE_SIGNING,
	OID_AUTHORITY_KEY_ID,
	OID_BASIC_CONSTRAINTS,
	OID_EXTENDED_KEY_USAGE,
	OID_KEY_USAGE,
	OID_SUBJECT_KEY_ID,
} from '@chancery/core/certificate';
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
import { keyIdentifier } from '@chancery/core/spki';
import type { Signer } from '@chancery/keys/signer';
import { signatureAlgorithm } from './algorithm-identifier.ts';
import { encodeCertificate, encodeExtension } from './leaf-certificate.ts';
import { newSerialNumber } from './serial-number.ts';

const ROOT_YEARS = 10;
const ISSUING_YEARS = 3;

const OID_ORGANIZATION = '2.5.4.10';
const OID_COMMON_NAME = '2.5.4.3';

export interface CaChainRequest {
	readonly rootSigner: Signer;
	readonly issuingSigner: Signer;
	readonly organization: string;
	/** Common name of the issuing certificate; the root adds ` root` to it. */
	readonly commonName: string;
	/** Beginning of both certificates; fractions of a second are dropped. */
	readonly notBefore: Date;
	readonly random: (n: number) => Uint8Array;
}

/**
 * Makes and signs both certificates; answers their DER.
 * - root: ten years, self-signed, keyCertSign and cRLSign, CA with path length 1, no extended key usage
 * - issuing: three years, keyCertSign and cRLSign, CA with path length 0, code signing (not critical: clients refuse
 *   a critical one)
 */
export async function createCaChain(request: CaChainRequest): Promise<{ root: Uint8Array; issuing: Uint8Array }> {
	const { rootSigner, issuingSigner, organization, commonName, notBefore, random } = request;
	const rootName = encodeName(organization, `${commonName} root`);
	const rootKeyId = keyIdentifier(rootSigner.publicKey);
	const root = await certify(rootSigner, {
		random,
		issuer: rootName,
		subject: rootName,
		publicKey: rootSigner.publicKey,
		notBefore,
		years: ROOT_YEARS,
		extensions: [...authorityExtensions(1), encodeExtension(OID_SUBJECT_KEY_ID, false, derOctetString(rootKeyId))],
	});
	const issuing = await certify(rootSigner, {
		random,
		issuer: rootName,
		subject: encodeName(organization, commonName),
		publicKey: issuingSigner.publicKey,
		notBefore,
		years: ISSUING_YEARS,
		extensions: [
			...authorityExtensions(0),
			encodeExtension(OID_EXTENDED_KEY_USAGE, false, derSequence(derOid(EKU_CODE_SIGNING))),
			encodeExtension(OID_SUBJECT_KEY_ID, false, derOctetString(keyIdentifier(issuingSigner.publicKey))),
			encodeExtension(OID_AUTHORITY_KEY_ID, false, derSequence(derContext(0, { constructed: false }, rootKeyId))),
		],
	});
	return { root, issuing };
}

interface AuthorityFields {
	readonly random: (n: number) => Uint8Array;
	readonly issuer: Uint8Array;
	readonly subject: Uint8Array;
	readonly publicKey: Uint8Array;
	readonly notBefore: Date;
	readonly years: number;
	readonly extensions: readonly Uint8Array[];
}

async function certify(signer: Signer, fields: AuthorityFields): Promise<Uint8Array> {
	const notAfter = new Date(fields.notBefore);
	notAfter.setUTCFullYear(notAfter.getUTCFullYear() + fields.years);
	const tbs = derSequence(
		derContext(0, {}, derInteger(2)),
		derInteger(newSerialNumber(fields.random)),
		signatureAlgorithm(signer.algorithm),
		fields.issuer,
		derSequence(derTime(fields.notBefore), derTime(notAfter)),
		fields.subject,
		fields.publicKey,
		derContext(3, {}, derSequence(...fields.extensions)),
	);
	return encodeCertificate(tbs, signer.algorithm, await signer.sign(tbs));
}

/** keyUsage with keyCertSign (5) and cRLSign (6), and basicConstraints; both critical (RFC 5280 section 4.2.1). */
function authorityExtensions(pathLength: number): Uint8Array[] {
	return [
		encodeExtension(OID_KEY_USAGE, true, derNamedBits([5, 6])),
		encodeExtension(OID_BASIC_CONSTRAINTS, true, derSequence(derBoolean(true), derInteger(pathLength))),
	];
}

/** O, then CN, each a UTF8String (RFC 5280 section 4.1.2.4). */
function encodeName(organization: string, commonName: string): Uint8Array {
	const attribute = (oid: string, value: string) => derSet(derSequence(derOid(oid), derUtf8(value)));
	return derSequence(attribute(OID_ORGANIZATION, organization), attribute(OID_COMMON_NAME, commonName));
}
