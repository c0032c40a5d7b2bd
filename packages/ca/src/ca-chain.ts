/**
 * The certificates of a new authority: a root that only signs issuing certificates and can be kept offline, and an
 * issuing certificate for code signing. Made once, by whoever sets up an instance.
 */

import { SIGNATURE_IDENTIFIERS } from '@chancery/core/algorithm-registry';
import { EKU_CODE_SIGNING } from '@chancery/core/certificate';
import {
	encodeAuthorityKeyId,
	encodeCaExtensions,
	encodeName,
	encodePurpose,
	encodeSignedCertificate,
	encodeSubjectKeyId,
	encodeTbsCertificate,
	newSerialNumber,
	yearsAfter,
} from '@chancery/core/certificate-encoding';
import { keyIdentifier } from '@chancery/core/spki';
import type { Signer } from '@chancery/keys/signer';
import { openIssuingChain } from './domain/issuing-chain.ts';

const ROOT_YEARS = 10;
const ISSUING_YEARS = 3;

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
	const { rootSigner, organization, commonName, notBefore, random } = request;
	const rootName = encodeName(organization, `${commonName} root`);
	const root = await certify(rootSigner, {
		random,
		issuer: rootName,
		subject: rootName,
		publicKey: rootSigner.publicKey,
		notBefore,
		years: ROOT_YEARS,
		extensions: [...encodeCaExtensions(1), encodeSubjectKeyId(rootSigner.publicKey)],
	});
	return { root, issuing: await createIssuingCertificate(request) };
}

/** The issuing certificate alone, for a root that lasts longer: the same names and keys, from `notBefore` on. */
export function createIssuingCertificate(request: CaChainRequest): Promise<Uint8Array> {
	const { rootSigner, issuingSigner, organization, commonName, notBefore, random } = request;
	return certify(rootSigner, {
		random,
		issuer: encodeName(organization, `${commonName} root`),
		subject: encodeName(organization, commonName),
		publicKey: issuingSigner.publicKey,
		notBefore,
		years: ISSUING_YEARS,
		extensions: [
			...encodeCaExtensions(0),
			encodePurpose(EKU_CODE_SIGNING, false),
			encodeSubjectKeyId(issuingSigner.publicKey),
			encodeAuthorityKeyId(keyIdentifier(rootSigner.publicKey)),
		],
	});
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
	const signatureIdentifier = SIGNATURE_IDENTIFIERS[signer.algorithm];
	const tbs = encodeTbsCertificate({
		...fields,
		serial: newSerialNumber(fields.random),
		signatureIdentifier,
		notAfter: yearsAfter(fields.notBefore, fields.years),
	});
	return encodeSignedCertificate(tbs, signatureIdentifier, await signer.sign(tbs));
}

/**
 * Whether the service would start with a chain (PEM, certificate of the key first, root last) that somebody else has issued.
 * @throws {ChainError}
 */
export function checkCaChain(pem: string, signer: Signer): void {
	openIssuingChain(pem, signer);
}
