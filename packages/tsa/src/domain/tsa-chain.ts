/**
 * The certificates of a new authority: a root, the authority's own certificate below it, and an intermediate between them
 * where the root key is kept elsewhere. Made once, by whoever sets an instance up.
 */

import {
	EKU_TIME_STAMPING,
	OID_AUTHORITY_KEY_ID,
	OID_BASIC_CONSTRAINTS,
	OID_EXTENDED_KEY_USAGE,
	OID_KEY_USAGE,
	OID_SUBJECT_KEY_ID,
} from '@chancery/core/certificate';
import {
	derBitString,
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
import { encodePem } from '@chancery/core/pem';
import { keyIdentifier } from '@chancery/core/spki';
import type { Signer } from '@chancery/keys/signer';
import { AuthorityError } from './authority.ts';
import { SIGNATURE_ALGORITHMS } from './signature-algorithms.ts';

export interface TsaChainRequest {
	readonly rootSigner: Signer;
	/** The key that will sign timestamps. */
	readonly leafSigner: Signer;
	/** Signs the leaf when present; the root then signs only this certificate. */
	readonly intermediate?: Signer;
	readonly organization: string;
	/** Name of the authority; the root is named after it. */
	readonly commonName: string;
	readonly notBefore: Date;
	readonly random: (length: number) => Uint8Array;
}

export interface TsaChain {
	/** DER. */
	readonly root: Uint8Array;
	readonly leaf: Uint8Array;
	readonly intermediate?: Uint8Array;
	/** DER in the order of the wire: leaf first, root last. */
	readonly chain: readonly Uint8Array[];
	/** The same in PEM, as the configuration takes it. */
	readonly chainPem: string;
}

/** A leaf ends before its issuers do, so that a token never outlives the chain that it is judged by. */
const ISSUER_YEARS = 10;
const LEAF_YEARS = 9;

const KEY_USAGE_DIGITAL_SIGNATURE = 0;
const KEY_USAGE_KEY_CERT_SIGN = 5;
const KEY_USAGE_CRL_SIGN = 6;

/**
 * Makes a chain that strict clients accept (RFC 3161 section 2.3): the leaf has timeStamping as its only purpose, critical,
 * digitalSignature as its only usage, and is no CA; the intermediate carries the purpose too, for verifiers that nest purposes.
 * @throws AuthorityError for a key whose signatures timestamp clients do not verify; whatever a signer throws
 */
export async function createTsaChain(request: TsaChainRequest): Promise<TsaChain> {
	const { organization, commonName } = request;
	const rootName = encodeName(organization, `${commonName} Root`);
	const rootKey = request.rootSigner;
	const root = await issue(request, {
		issuer: { name: rootName, signer: rootKey },
		subject: rootName,
		publicKey: rootKey.publicKey,
		years: ISSUER_YEARS,
		extensions: [caConstraints(request.intermediate ? 1 : 0), certSignUsage(), subjectKeyId(rootKey)],
	});

	let issuer = { name: rootName, signer: rootKey };
	let intermediate: Uint8Array | undefined;
	if (request.intermediate) {
		const name = encodeName(organization, `${commonName} Intermediate`);
		intermediate = await issue(request, {
			issuer,
			subject: name,
			publicKey: request.intermediate.publicKey,
			years: ISSUER_YEARS,
			extensions: [
				caConstraints(0),
				certSignUsage(),
				timeStampingPurpose(),
				subjectKeyId(request.intermediate),
				authorityKeyId(issuer.signer),
			],
		});
		issuer = { name, signer: request.intermediate };
	}

	const leaf = await issue(request, {
		issuer,
		subject: encodeName(organization, commonName),
		publicKey: request.leafSigner.publicKey,
		years: LEAF_YEARS,
		extensions: [
			extension(OID_KEY_USAGE, true, derNamedBits([KEY_USAGE_DIGITAL_SIGNATURE])),
			timeStampingPurpose(),
			subjectKeyId(request.leafSigner),
			authorityKeyId(issuer.signer),
		],
	});
	const chain = [leaf, ...(intermediate ? [intermediate] : []), root];
	return {
		root,
		leaf,
		...(intermediate ? { intermediate } : {}),
		chain,
		chainPem: chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
	};
}

interface CertificatePlan {
	readonly issuer: { readonly name: Uint8Array; readonly signer: Signer };
	readonly subject: Uint8Array;
	readonly publicKey: Uint8Array;
	readonly years: number;
	readonly extensions: readonly Uint8Array[];
}

/** One certificate (RFC 5280 section 4.1). */
async function issue(request: TsaChainRequest, plan: CertificatePlan): Promise<Uint8Array> {
	const { signer, name } = plan.issuer;
	const algorithm = SIGNATURE_ALGORITHMS[signer.algorithm];
	if (!algorithm) throw new AuthorityError(`a key of type ${signer.algorithm} cannot sign a timestamp chain`);
	const notAfter = new Date(request.notBefore);
	notAfter.setUTCFullYear(notAfter.getUTCFullYear() + plan.years);
	const tbs = derSequence(
		derContext(0, {}, derInteger(2)),
		derInteger(newSerial(request.random)),
		algorithm.signatureIdentifier,
		name,
		derSequence(derTime(request.notBefore), derTime(notAfter)),
		plan.subject,
		plan.publicKey,
		derContext(3, {}, derSequence(...plan.extensions)),
	);
	return derSequence(tbs, algorithm.signatureIdentifier, derBitString(await signer.sign(tbs)));
}

/** Positive, 159 bits, 20 octets (RFC 5280 section 4.1.2.2). */
function newSerial(random: (length: number) => Uint8Array): Uint8Array {
	const serial = random(20);
	serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
	return serial;
}

/** A Name of organisation and common name, each in a set of its own. */
function encodeName(organization: string, commonName: string): Uint8Array {
	const part = (oid: string, text: string) => derSet(derSequence(derOid(oid), derUtf8(text)));
	return derSequence(part('2.5.4.10', organization), part('2.5.4.3', commonName));
}

function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
	return derSequence(derOid(oid), ...(critical ? [derBoolean(true)] : []), derOctetString(value));
}

const caConstraints = (pathLength: number) =>
	extension(OID_BASIC_CONSTRAINTS, true, derSequence(derBoolean(true), derInteger(pathLength)));

const certSignUsage = () => extension(OID_KEY_USAGE, true, derNamedBits([KEY_USAGE_KEY_CERT_SIGN, KEY_USAGE_CRL_SIGN]));

const timeStampingPurpose = () => extension(OID_EXTENDED_KEY_USAGE, true, derSequence(derOid(EKU_TIME_STAMPING)));

const subjectKeyId = (signer: Signer) =>
	extension(OID_SUBJECT_KEY_ID, false, derOctetString(keyIdentifier(signer.publicKey)));

const authorityKeyId = (signer: Signer) =>
	extension(
		OID_AUTHORITY_KEY_ID,
		false,
		derSequence(derContext(0, { constructed: false }, keyIdentifier(signer.publicKey))),
	);
