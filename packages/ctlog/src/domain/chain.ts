/**
 * What a submitted chain must be: each certificate issued by the next, in the order given, up to an accepted root.
 *
 * A log is not a verifier. It checks that someone with a key of an accepted authority stands behind an entry, which is
 * what keeps it from being filled by strangers, and nothing that would hide a wrongly issued certificate from those who
 * read the log: no dates, name constraints, path lengths, key purposes or unknown critical extensions (RFC 6962 section 3.1).
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { equalBytes, toHex } from '@chancery/core/bytes';
import { basicConstraints, type Certificate, nameToString, parseCertificate } from '@chancery/core/certificate';
import { FormatError } from '@chancery/core/format-error';
import { sha256 } from '@chancery/core/sha';
import { signatureAlgorithmOf } from '@chancery/core/signature-algorithm';
import { type PublicKey, readPublicKey } from '@chancery/keys/public-key';
import { verifySignature } from '@chancery/keys/verify-signature';

/**
 * Parses the certificates of a chain, or of its part from the place `first` on.
 * @throws DomainError `malformed-certificate` naming the place in the chain
 */
export function parseChain(ders: readonly Uint8Array[], first = 0): Certificate[] {
	return ders.map((der, i) => {
		try {
			return parseCertificate(der);
		} catch (error) {
			if (!(error instanceof FormatError)) throw error;
			throw new DomainError('malformed-certificate', `chain[${first + i}] is not a certificate: ${error.message}`, {
				cause: error,
			});
		}
	});
}

/**
 * Checks that each certificate was issued by the next one; `first` is the place of the first one in what was submitted.
 * @throws DomainError `untrusted-chain` naming both certificates and what is wrong between them
 */
export function checkLinks(chain: readonly Certificate[], first = 0): void {
	chain.forEach((certificate, i) => {
		const issuer = chain[i + 1];
		if (issuer) checkIssued(certificate, issuerOf(issuer), first + i);
	});
}

/** A certificate in the part of an issuer: what is needed of it again and again, read once. */
export interface Issuer {
	readonly certificate: Certificate;
	readonly isCa: boolean;
	/** Undefined for a key of a kind that nobody here can read. */
	readonly key: PublicKey | undefined;
}

export function issuerOf(certificate: Certificate): Issuer {
	return {
		certificate,
		isCa: basicConstraints(certificate)?.ca === true,
		key: readPublicKey(certificate.publicKey),
	};
}

/** @param place of `certificate` in its chain @throws DomainError `untrusted-chain` */
export function checkIssued(certificate: Certificate, issuer: Issuer, place: number): void {
	const problem = problemBetween(certificate, issuer);
	if (problem)
		throw new DomainError('untrusted-chain', `chain[${place}] was not issued by chain[${place + 1}]: ${problem}`);
}

/** Checks that a certificate is a root: a CA that issued itself. @throws DomainError `untrusted-chain` */
export function checkSelfSigned(certificate: Certificate): void {
	const problem = problemBetween(certificate, issuerOf(certificate));
	if (problem)
		throw new DomainError('untrusted-chain', `${nameToString(certificate.subject)} is not a root: ${problem}`);
}

/**
 * Follows a chain to an accepted root and answers it complete: the root is appended when it was left out.
 * @returns undefined when the last certificate is neither an accepted root nor issued by one
 * @throws DomainError `untrusted-chain` when a link inside the chain is broken
 */
export function completeChain(
	chain: readonly Certificate[],
	roots: readonly Certificate[],
	first = 0,
): readonly Certificate[] | undefined {
	checkLinks(chain, first);
	const last = chain.at(-1);
	if (!last) return undefined;
	if (roots.some((root) => equalBytes(root.der, last.der))) return chain;
	const root = roots.find((candidate) => problemBetween(last, issuerOf(candidate)) === undefined);
	return root && [...chain, root];
}

/** Why `issuer` did not issue `certificate`, or undefined when it did. */
function problemBetween(certificate: Certificate, { certificate: issuer, isCa, key }: Issuer): string | undefined {
	if (!equalBytes(certificate.issuer, issuer.subject))
		return `the issuer named is ${nameToString(certificate.issuer)}, the next certificate is of ${nameToString(issuer.subject)}`;
	// Without this, whoever holds a short-lived signing certificate could issue below it and fill the log.
	if (!isCa) return `${nameToString(issuer.subject)} is not a CA`;
	const algorithm = signatureAlgorithmOf(certificate.signatureAlgorithm);
	if (!algorithm) return `the signature algorithm ${certificate.signatureAlgorithm} is not known`;
	if (key?.info.algorithm !== algorithm.key)
		return `the signature is made for a key of type ${algorithm.key}, the issuer has ${key?.info.algorithm ?? 'an unknown type'}`;
	return verifySignature(key, certificate.tbs, certificate.signature, algorithm.hash)
		? undefined
		: 'the signature does not verify';
}

/** SHA-256 of a certificate in hexadecimal: how operators name one. */
export function fingerprintOf(certificate: Certificate): string {
	return toHex(sha256(certificate.der));
}
