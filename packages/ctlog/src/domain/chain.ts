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
import { type Certificate, nameToString, parseCertificate } from '@chancery/core/certificate';
import {
	type CertificateLink,
	describeLinkFault,
	LINK_RULES,
	linkFault,
	unsignedFault,
} from '@chancery/core/certificate-link';
import { FormatError } from '@chancery/core/format-error';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';

/**
 * Parses the certificates of a chain, or of its part from the place `first` on.
 * @throws {DomainError} `malformed-certificate` naming the place in the chain
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
 * Checks that each certificate names the next one, a CA, as its issuer: all that can be known without a key.
 * @param first place of the first certificate in what was submitted
 * @throws {DomainError} `untrusted-chain` naming both certificates and what is wrong between them
 */
export function checkNames(chain: readonly Certificate[], first = 0): void {
	chain.forEach((certificate, i) => {
		const issuer = chain[i + 1];
		if (issuer) refuseLink(first + i, nameProblem(certificate, issuer));
	});
}

/**
 * Checks that a certificate was issued by a trusted one.
 * @param place of `certificate` in its chain
 * @throws {DomainError} `untrusted-chain`; `overloaded` or `unavailable` when the signature was not checked
 */
export async function checkIssued(
	certificate: Certificate,
	trusted: Certificate,
	place: number,
	check: CheckSignature,
): Promise<void> {
	refuseLink(place, await linkProblem(certificate, trusted, check));
}

/**
 * Checks the signatures of a chain, whose names fit, from its last certificate down. The last one is trusted.
 * @throws {DomainError} as `checkIssued`, at the first link that does not hold: nothing below it is looked at
 */
export async function checkSignaturesDown(
	chain: readonly Certificate[],
	first: number,
	check: CheckSignature,
): Promise<void> {
	for (let i = chain.length - 2; i >= 0; i--)
		await checkIssued(chain[i] as Certificate, chain[i + 1] as Certificate, first + i, check);
}

/** Whether a trusted certificate issued this one, by name and signature. @throws {DomainError} `overloaded`, `unavailable` */
export async function isIssuedBy(
	certificate: Certificate,
	trusted: Certificate,
	check: CheckSignature,
): Promise<boolean> {
	return (await linkProblem(certificate, trusted, check)) === undefined;
}

/** Checks that a certificate is a root: a CA that issued itself. @throws {DomainError} `untrusted-chain` */
export async function checkSelfSigned(certificate: Certificate, check: CheckSignature): Promise<void> {
	const problem = await linkProblem(certificate, certificate, check);
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
	issuer: Certificate,
	check: CheckSignature,
): Promise<string | undefined> {
	const link = linkOf(certificate, issuer);
	const fault = await linkFault(link, LINK_RULES.ctLog, ({ publicKey, info, message, signature, hash }) =>
		check({ key: { spki: publicKey, info }, signature, hash, over: { message } }),
	);
	return fault && describeLinkFault(fault, link);
}

/** Without the CA flag, whoever holds a short-lived signing certificate could issue below it and fill the log. */
function nameProblem(certificate: Certificate, issuer: Certificate): string | undefined {
	const link = linkOf(certificate, issuer);
	const fault = unsignedFault(link, LINK_RULES.ctLog);
	return fault && describeLinkFault(fault, link);
}

/** Neither path lengths nor dates are a log's business. */
function linkOf(certificate: Certificate, issuer: Certificate): CertificateLink {
	return { certificate, issuer, below: 0, at: undefined };
}
