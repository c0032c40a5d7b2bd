/**
 * Certificate paths, RFC 5280 section 6 as far as a closed set of authorities needs it: no policies, no name
 * constraints, no revocation. Every certificate of the path must be valid at the time in question (hybrid model).
 */
import { equalBytes } from '@chancery/core/bytes';
import type { Certificate } from '@chancery/core/certificate';
import { isValidAt, LINK_RULES, type LinkFault, linkFault } from '@chancery/core/certificate-link';
import type { CryptoPort } from './crypto-port.ts';
import type { TrustedAuthority } from './trust-material.ts';

const WORDS: Readonly<Partial<Record<LinkFault, string>>> = {
	'issuer-name': 'the issuer name does not match',
	'not-a-ca': 'an issuer is not a CA',
	'path-length': 'the path is longer than an issuer allows',
	'key-usage': 'an issuer may not sign certificates',
};

/**
 * Why `leaf` does not chain to the anchor of `authority` at `time`, or undefined when it does.
 * `above` are the CA certificates from the issuer of `leaf` to the anchor.
 */
export async function pathProblem(
	leaf: Certificate,
	above: readonly Certificate[],
	time: Date,
	crypto: CryptoPort,
): Promise<string | undefined> {
	let certificate = leaf;
	for (const [below, issuer] of above.entries()) {
		// Times are judged below, for the leaf as well.
		const link = { certificate, issuer, below, at: undefined };
		const fault = await linkFault(link, LINK_RULES.verifier, (signed) => crypto.verify(signed));
		if (fault === 'signature-algorithm') return `signature algorithm ${certificate.signatureAlgorithm} is not accepted`;
		if (fault) return WORDS[fault] ?? 'a signature on the path does not verify';
		certificate = issuer;
	}
	for (const certificate of [leaf, ...above]) {
		if (!isValidAt(certificate, time))
			return `a certificate is not valid at ${time.toISOString()} (valid from ${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()})`;
		if (certificate.extensions.some(({ oid, critical }) => critical && !UNDERSTOOD.has(oid)))
			return 'a certificate has a critical extension that is not understood';
	}
	return undefined;
}

/** Critical extensions that this verifier processes: key usage, SAN, basic constraints, extended key usage. */
const UNDERSTOOD = new Set(['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.37']);

/** The issuer of `leaf` in `authority`, judged by name only: the one whose key hash an SCT was made over. */
export function issuerIn(leaf: Certificate, authority: TrustedAuthority): Certificate | undefined {
	return authority.certificates.find((certificate) => equalBytes(certificate.subject, leaf.issuer));
}
