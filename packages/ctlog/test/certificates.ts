/** Certificates for tests, assembled field by field, so that each test chooses what is wrong with them. */
import { createHash, randomBytes } from 'node:crypto';
import { derBitString, derNull, derOid, derSequence } from '@chancery/core/der';
import { generateSigner } from '@chancery/keys/file/generate';
import type { KeyAlgorithm, Signer } from '@chancery/keys/signer';
import { basicConstraints, extendedKeyUsage, extension, tbsCertificate } from '@chancery/testkit/certificate';

export const POISON = extension('1.3.6.1.4.1.11129.2.4.3', derNull(), true);
export const CODE_SIGNING = extendedKeyUsage(['1.3.6.1.5.5.7.3.3']);
export const IS_CA = basicConstraints(true);

const ALGORITHMS: Readonly<Record<KeyAlgorithm, Uint8Array>> = {
	'ecdsa-sha2-256-nistp256': derSequence(derOid('1.2.840.10045.4.3.2')),
	'ecdsa-sha2-384-nistp384': derSequence(derOid('1.2.840.10045.4.3.3')),
	ed25519: derSequence(derOid('1.3.101.112')),
};

export interface CertificatePlan {
	readonly issuer: string;
	readonly subject: string;
	/** Signs; its algorithm is named in the certificate. */
	readonly signer: Signer;
	readonly publicKey: Uint8Array;
	readonly extensions: readonly Uint8Array[];
	readonly serial?: Uint8Array;
	readonly notBefore?: Date;
	/** Named instead of the signer's algorithm. */
	readonly algorithm?: Uint8Array;
}

/** DER of the TBSCertificate. */
export function tbsOf(plan: CertificatePlan): Uint8Array {
	const notBefore = plan.notBefore ?? new Date();
	return tbsCertificate({
		...plan,
		algorithm: algorithmOf(plan),
		serial: plan.serial ?? Uint8Array.of(1, ...randomBytes(15)),
		notBefore,
		notAfter: new Date(notBefore.getTime() + 600_000),
	});
}

export async function certificate(plan: CertificatePlan): Promise<Uint8Array> {
	const tbs = tbsOf(plan);
	return derSequence(tbs, algorithmOf(plan), derBitString(await plan.signer.sign(tbs)));
}

function algorithmOf({ algorithm, signer }: CertificatePlan): Uint8Array {
	return algorithm ?? ALGORITHMS[signer.algorithm];
}

export interface TestAuthority {
	readonly name: string;
	readonly rootSigner: Signer;
	readonly issuingSigner: Signer;
	/** DER. */
	readonly root: Uint8Array;
	readonly issuing: Uint8Array;
}

/** A root and an issuing certificate below it, as a code signing authority has them. */
export async function makeAuthority(
	label: string,
	algorithm: KeyAlgorithm = 'ecdsa-sha2-384-nistp384',
): Promise<TestAuthority> {
	const rootSigner = generateSigner(algorithm);
	const issuingSigner = generateSigner('ecdsa-sha2-256-nistp256');
	const root = { issuer: `${label} root`, subject: `${label} root`, signer: rootSigner, extensions: [IS_CA] };
	return {
		name: label,
		rootSigner,
		issuingSigner,
		root: await certificate({ ...root, publicKey: rootSigner.publicKey }),
		issuing: await certificate({
			...root,
			subject: `${label} issuing`,
			publicKey: issuingSigner.publicKey,
			extensions: [IS_CA, CODE_SIGNING],
		}),
	};
}

/** What an issuing authority would put into a leaf with a fresh key. */
export function leafPlan(authority: TestAuthority, extensions: readonly Uint8Array[]): CertificatePlan {
	return {
		issuer: `${authority.name} issuing`,
		subject: 'leaf',
		signer: authority.issuingSigner,
		publicKey: generateSigner('ecdsa-sha2-256-nistp256').publicKey,
		serial: Uint8Array.of(1, ...randomBytes(15)),
		notBefore: new Date(),
		extensions,
	};
}

export interface TestPrecertificate {
	/** DER, poison last. */
	readonly der: Uint8Array;
	/** DER of the TBSCertificate as it is without the poison. */
	readonly tbs: Uint8Array;
}

/** A precertificate, and beside it the same TBSCertificate written without poison: not by taking it out. */
export async function makePrecertificate(authority: TestAuthority): Promise<TestPrecertificate> {
	const plan = leafPlan(authority, [CODE_SIGNING]);
	return {
		der: await certificate({ ...plan, extensions: [CODE_SIGNING, POISON] }),
		tbs: tbsOf(plan),
	};
}

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
