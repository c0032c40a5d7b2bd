/**
 * The chain of this authority: its issuing certificate and what stands above it, checked once at start against the key
 * that will sign. A chain that clients would refuse refuses to start here.
 */

import type { KeyObject } from 'node:crypto';
import { equalBytes, toBase64 } from '@chancery/core/bytes';
import {
	basicConstraints,
	type Certificate,
	EKU_CODE_SIGNING,
	extendedKeyUsage,
	nameToString,
	parseCertificate,
	subjectKeyId,
} from '@chancery/core/certificate';
import { describeLinkFault, issuerFault, LINK_RULES, linkFault } from '@chancery/core/certificate-link';
import { ChanceryError } from '@chancery/core/chancery-error';
import { FormatError } from '@chancery/core/format-error';
import { encodePem, parsePem } from '@chancery/core/pem';
import { issuerKeyHash } from '@chancery/core/precertificate';
import { type PublicKey, parsePublicKey } from '@chancery/keys/public-key';
import type { Signer } from '@chancery/keys/signer';
import { verifySignature } from '@chancery/keys/verify-signature';

const MAX_CHAIN_LENGTH = 5;

export interface IssuingChain {
	/** Issuing certificate first, root last. */
	readonly certificates: readonly Certificate[];
	readonly issuing: Certificate;
	/** The issuing key, as OpenSSL reads it. */
	readonly issuingKey: KeyObject;
	readonly root: Certificate;
	/** The same as PEM, each with a closing line feed. */
	readonly pems: readonly string[];
	/** The same as base64 of the DER. */
	readonly base64: readonly string[];
	/** Subject key identifier of the issuing certificate: authority key identifier of every leaf. */
	readonly keyId: Uint8Array;
	/** SHA-256 of the issuing key's SPKI, as CT structures name it. */
	readonly keyHash: Uint8Array;
}

/** The chain cannot be used; the message says which certificate and why, for whoever wrote the configuration. */
export class ChainError extends ChanceryError<'chain-unusable'> {
	constructor(message: string, options?: ErrorOptions) {
		super('chain-unusable', message, options);
	}
}

/**
 * Reads and checks the chain in PEM. Times are not judged here: a chain that has ended is reported by readiness.
 * @throws {ChainError}
 */
export function openIssuingChain(pem: string, signer: Signer): IssuingChain {
	const certificates = parseChain(pem);
	const [issuing] = certificates;
	const root = certificates.at(-1);
	if (!issuing || !root) throw new ChainError('the chain is empty');
	if (certificates.length > MAX_CHAIN_LENGTH)
		throw new ChainError(`the chain has more than ${MAX_CHAIN_LENGTH} certificates`);
	certificates.forEach((certificate, i) => {
		const above = Math.min(i + 1, certificates.length - 1);
		checkAuthority(certificate, i);
		checkLink(certificate, certificates[above]!, above);
	});
	checkIssuing(issuing, signer, certificates.length);
	const keyId = subjectKeyId(issuing);
	if (!keyId) throw new ChainError(`${name(issuing)} has no subject key identifier`);
	return {
		certificates,
		issuing,
		issuingKey: keyOf(issuing).key,
		root,
		pems: certificates.map(({ der }) => encodePem('CERTIFICATE', der)),
		base64: certificates.map(({ der }) => toBase64(der)),
		keyId,
		keyHash: issuerKeyHash(issuing),
	};
}

/** Why certificates cannot be issued at this time, or undefined. A leaf must fit into the life of its issuers. */
export function chainProblem(chain: IssuingChain, nowMs: number, leafLifetimeMs: number): string | undefined {
	for (const certificate of chain.certificates) {
		if (nowMs < certificate.notBefore.getTime())
			return `${name(certificate)} is valid from ${certificate.notBefore.toISOString()} only`;
		if (nowMs + leafLifetimeMs > certificate.notAfter.getTime())
			return `${name(certificate)} is valid until ${certificate.notAfter.toISOString()} only`;
	}
	return undefined;
}

/** @throws {ChainError} */
export function parseChain(pem: string): Certificate[] {
	try {
		return parsePem(pem).map(({ label, der }) => {
			if (label !== 'CERTIFICATE') throw new FormatError('PEM', `a block named ${label} among the certificates`);
			return parseCertificate(der);
		});
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw new ChainError(`the chain cannot be read: ${cause.message}`, { cause });
	}
}

/** `below` is the number of CA certificates between this one and the leaves. */
function checkAuthority(certificate: Certificate, below: number): void {
	const fault = issuerFault({ issuer: certificate, below, at: undefined }, LINK_RULES.authority);
	if (!fault) return;
	const pathLength = basicConstraints(certificate)?.pathLength;
	throw new ChainError(
		fault === 'not-a-ca'
			? `${name(certificate)} is not a CA certificate`
			: fault === 'path-length'
				? `${name(certificate)} allows a path length of ${pathLength}, ${below} are needed`
				: `the key usage of ${name(certificate)} does not allow to sign certificates`,
	);
}

/** The last certificate is its own issuer. `below` is as for the issuer. */
function checkLink(certificate: Certificate, issuer: Certificate, below: number): void {
	const link = { certificate, issuer, below, at: undefined };
	const fault = linkFault(link, LINK_RULES.authority, (signed) =>
		verifySignature({ ...signed, publicKey: keyOf(issuer) }),
	);
	if (!fault) return;
	// Says so, when the reason is that the key cannot be read.
	if (fault === 'key-type') keyOf(issuer);
	const why = fault === 'signature-algorithm' || fault === 'path-length' ? `: ${describeLinkFault(fault, link)}` : '';
	throw new ChainError(
		certificate === issuer
			? `the chain ends in ${name(certificate)}, which is not a root${why}`
			: `${name(certificate)} is not issued by ${name(issuer)}${why}`,
	);
}

function checkIssuing(issuing: Certificate, signer: Signer, length: number): void {
	if (!equalBytes(issuing.publicKey, signer.publicKey))
		throw new ChainError(`the signing key is not the key of ${name(issuing)}, the first certificate of the chain`);
	// Verifiers of SCTs accept an issuer's key only when it is ECDSA or RSA.
	if (signer.algorithm === 'ed25519')
		throw new ChainError('an Ed25519 key cannot issue certificates that clients accept');
	const purposes = extendedKeyUsage(issuing);
	if ((length > 1 || purposes.length > 0) && !purposes.includes(EKU_CODE_SIGNING))
		throw new ChainError(`${name(issuing)} is not meant for code signing`);
}

function keyOf(certificate: Certificate): PublicKey {
	try {
		return parsePublicKey(certificate.publicKey);
	} catch (cause) {
		throw new ChainError(`the key of ${name(certificate)} cannot be read`, { cause });
	}
}

function name(certificate: Certificate): string {
	return `'${nameToString(certificate.subject)}'`;
}
