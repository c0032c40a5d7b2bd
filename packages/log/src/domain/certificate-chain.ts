/**
 * The chain that a v1 entry may carry behind its certificate. It must lead to its own last certificate at the leaf's
 * notBefore (RFC 5280 section 6.1, any extended key usage); whether anybody trusts that root is not asked.
 */
import { X509Certificate } from 'node:crypto';
import { basicConstraints, type Certificate } from '@chancery/core/certificate';
import { FormatError } from '@chancery/core/format-error';

/**
 * Checks that `leaf` leads to the last of `issuers` through some of the others, in whatever order they stand.
 * @throws FormatError when there is no such path
 */
export function checkCertificateChain(leaf: Certificate, issuers: readonly Certificate[]): void {
	const root = issuers.at(-1) as Certificate;
	const unused = new Set(issuers);
	let current = leaf;
	while (current !== root) {
		const issuer = [...unused].find((candidate) => isIssuedBy(current, candidate, leaf.notBefore));
		if (issuer === undefined)
			throw new FormatError('certificate chain', 'no path leads from the first to the last certificate');
		unused.delete(issuer);
		current = issuer;
	}
}

function isIssuedBy(subject: Certificate, issuer: Certificate, at: Date): boolean {
	if (at < issuer.notBefore || at > issuer.notAfter) return false;
	if (basicConstraints(issuer)?.ca !== true) return false;
	try {
		const child = new X509Certificate(subject.der);
		const parent = new X509Certificate(issuer.der);
		return child.checkIssued(parent) && child.verify(parent.publicKey);
	} catch (cause) {
		// OpenSSL refuses what our parser accepted: keys on unknown curves, unknown signature algorithms.
		throw new FormatError('certificate chain', 'a certificate cannot be verified', { cause });
	}
}
