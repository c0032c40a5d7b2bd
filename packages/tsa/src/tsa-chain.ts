/**
 * The certificates of a new authority: a root, the authority's own certificate below it, and an intermediate between them when the
 * root key is kept elsewhere. Made once, when an instance is set up.
 */

import { EKU_TIME_STAMPING } from '@chancery/core/certificate';
import {
	encodeAuthorityKeyId,
	encodeCaExtensions,
	encodeName,
	encodePurpose,
	encodeSignedCertificate,
	encodeSigningUsage,
	encodeSubjectKeyId,
	encodeTbsCertificate,
	newSerialNumber,
	yearsAfter,
} from '@chancery/core/certificate-encoding';
import { encodePem } from '@chancery/core/pem';
import { keyIdentifier } from '@chancery/core/spki';
import type { Signer } from '@chancery/keys/signer';
import { AuthorityError, openAuthority } from './domain/authority.ts';
import { SIGNATURE_ALGORITHMS } from './domain/signature-algorithms.ts';

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

/** A leaf ends before its issuers do, so that a token is never valid longer than its chain. */
const ISSUER_YEARS = 10;
const LEAF_YEARS = 9;

/**
 * Makes a chain that strict clients accept (RFC 3161 section 2.3): the leaf has timeStamping as its only purpose, critical,
 * digitalSignature as its only usage, and is no CA; the intermediate has the purpose too, for verifiers that nest purposes.
 * @throws {AuthorityError} when timestamp clients do not verify signatures of the key; {Error} of a signer that fails
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
		extensions: [...encodeCaExtensions(request.intermediate ? 1 : 0), encodeSubjectKeyId(rootKey.publicKey)],
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
				...encodeCaExtensions(0),
				encodePurpose(EKU_TIME_STAMPING, true),
				encodeSubjectKeyId(request.intermediate.publicKey),
				encodeAuthorityKeyId(keyIdentifier(issuer.signer.publicKey)),
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
			encodeSigningUsage(),
			encodePurpose(EKU_TIME_STAMPING, true),
			encodeSubjectKeyId(request.leafSigner.publicKey),
			encodeAuthorityKeyId(keyIdentifier(issuer.signer.publicKey)),
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
	const tbs = encodeTbsCertificate({
		serial: newSerialNumber(request.random),
		signatureIdentifier: algorithm.signatureIdentifier,
		issuer: name,
		subject: plan.subject,
		notBefore: request.notBefore,
		notAfter: yearsAfter(request.notBefore, plan.years),
		publicKey: plan.publicKey,
		extensions: plan.extensions,
	});
	return encodeSignedCertificate(tbs, algorithm.signatureIdentifier, await signer.sign(tbs));
}

/**
 * Whether the service would start with a chain (PEM, certificate of the key first, root last) that somebody else has issued.
 * @throws {AuthorityError}; FormatError
 */
export function checkTsaChain(chainPem: string, signer: Signer): void {
	openAuthority({ chainPem, signer });
}
