/**
 * What a submitted chain must be: each certificate issued by the next, in the order given, up to an accepted root.
 *
 * A log is not a verifier. It checks that someone with a key of an accepted authority stands behind an entry, which is
 * what keeps it from being filled by strangers, and nothing that would hide a wrongly issued certificate from those who
 * read the log: no dates, name constraints, path lengths, key purposes or unknown critical extensions (RFC 6962 section 3.1).
 *
 * Whoever submits a chain chooses the keys in it, and with them what a signature check costs. So a chain is walked from
 * the accepted root down, and every signature is checked under a key that the one before has made a trusted one: a
 * stranger's chain costs the check of its first link, under a key of ours.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { signatureAlgorithmOf } from '@chancery/core/algorithms';
import { equalBytes } from '@chancery/core/bytes';
import { basicConstraints, type Certificate, nameToString, parseCertificate } from '@chancery/core/certificate';
import { FormatError } from '@chancery/core/format-error';
import { parseSpki } from '@chancery/core/spki';
import type { CheckedKey } from '@chancery/keys/checks/signature-check';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';

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

/** A certificate in the part of an issuer: what is needed of it again and again, read once. */
export interface Issuer {
	readonly certificate: Certificate;
	readonly isCa: boolean;
	/** Undefined for a key of a kind or size that is not read here, under which nothing verifies. */
	readonly key: CheckedKey | undefined;
}

export function issuerOf(certificate: Certificate): Issuer {
	return { certificate, isCa: basicConstraints(certificate)?.ca === true, key: keyOf(certificate) };
}

/**
 * Checks that each certificate names the next one, a CA, as its issuer: all that can be known without a key.
 * @param first place of the first certificate in what was submitted
 * @throws DomainError `untrusted-chain` naming both certificates and what is wrong between them
 */
export function checkNames(chain: readonly Certificate[], first = 0): void {
	chain.forEach((certificate, i) => {
		const issuer = chain[i + 1];
		if (issuer) refuseLink(first + i, nameProblem(certificate, issuerOf(issuer)));
	});
}

/**
 * Checks that a certificate was issued by a trusted one.
 * @param place of `certificate` in its chain
 * @throws DomainError `untrusted-chain`; `overloaded` or `unavailable` when the signature was not checked
 */
export async function checkIssued(
	certificate: Certificate,
	trusted: Issuer,
	place: number,
	check: CheckSignature,
): Promise<void> {
	refuseLink(place, await linkProblem(certificate, trusted, check));
}

/**
 * Checks the signatures of a chain, whose names fit, from its last certificate down. The last one is trusted.
 * @throws DomainError as `checkIssued`, at the first link that does not hold: nothing below it is looked at
 */
export async function checkSignaturesDown(
	chain: readonly Certificate[],
	first: number,
	check: CheckSignature,
): Promise<void> {
	for (let i = chain.length - 2; i >= 0; i--)
		await checkIssued(chain[i] as Certificate, issuerOf(chain[i + 1] as Certificate), first + i, check);
}

/** Whether a trusted certificate issued this one, by name and signature. @throws DomainError `overloaded`, `unavailable` */
export async function isIssuedBy(certificate: Certificate, trusted: Issuer, check: CheckSignature): Promise<boolean> {
	return (await linkProblem(certificate, trusted, check)) === undefined;
}

/** Checks that a certificate is a root: a CA that issued itself. @throws DomainError `untrusted-chain` */
export async function checkSelfSigned(certificate: Certificate, check: CheckSignature): Promise<void> {
	const problem = await linkProblem(certificate, issuerOf(certificate), check);
	if (problem)
		throw new DomainError('untrusted-chain', `${nameToString(certificate.subject)} is not a root: ${problem}`);
}

function refuseLink(place: number, problem: string | undefined): void {
	if (problem)
		throw new DomainError('untrusted-chain', `chain[${place}] was not issued by chain[${place + 1}]: ${problem}`);
}

/** Why `issuer` did not issue `certificate`, or undefined when it did. */
async function linkProblem(
	certificate: Certificate,
	issuer: Issuer,
	check: CheckSignature,
): Promise<string | undefined> {
	const mismatch = nameProblem(certificate, issuer);
	if (mismatch) return mismatch;
	const algorithm = signatureAlgorithmOf(certificate.signatureAlgorithm);
	if (!algorithm) return `the signature algorithm ${certificate.signatureAlgorithm} is not known`;
	const { key } = issuer;
	if (key?.info.algorithm !== algorithm.key)
		return `the signature is made for a key of type ${algorithm.key}, the issuer has ${key?.info.algorithm ?? 'one that is not read here'}`;
	const { tbs, signature } = certificate;
	return (await check({ key, signature, hash: algorithm.hash, over: { message: tbs } }))
		? undefined
		: 'the signature does not verify';
}

function nameProblem(certificate: Certificate, { certificate: issuer, isCa }: Issuer): string | undefined {
	if (!equalBytes(certificate.issuer, issuer.subject))
		return `the issuer named is ${nameToString(certificate.issuer)}, the next certificate is of ${nameToString(issuer.subject)}`;
	// Without this, whoever holds a short-lived signing certificate could issue below it and fill the log.
	return isCa ? undefined : `${nameToString(issuer.subject)} is not a CA`;
}

function keyOf({ publicKey }: Certificate): CheckedKey | undefined {
	try {
		return { spki: publicKey, info: parseSpki(publicKey) };
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
	}
}
