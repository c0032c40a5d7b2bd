/**
 * Certificate paths, RFC 5280 section 6 as far as a closed set of authorities needs it: no policies, no name
 * constraints, no revocation. Every certificate of the path must be valid at the time in question (hybrid model).
 */

import { signatureAlgorithmOf } from '@chancery/core/algorithms';
import { equalBytes } from '@chancery/core/bytes';
import { basicConstraints, type Certificate, keyUsage } from '@chancery/core/certificate';
import type { CryptoPort } from './crypto-port.ts';
import type { TrustedAuthority } from './trust-material.ts';

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
	let subject = leaf;
	for (const [depth, issuer] of above.entries()) {
		if (!equalBytes(subject.issuer, issuer.subject)) return 'the issuer name does not match';
		const { ca, pathLength } = basicConstraints(issuer) ?? { ca: false, pathLength: undefined };
		if (!ca) return 'an issuer is not a CA';
		// `depth` intermediates stand between this issuer and the leaf (RFC 5280 section 4.2.1.9).
		if (pathLength !== undefined && depth > pathLength) return 'the path is longer than an issuer allows';
		const usage = keyUsage(issuer);
		if (usage && !usage.includes('keyCertSign')) return 'an issuer may not sign certificates';
		const hash = signatureAlgorithmOf(subject.signatureAlgorithm)?.hash;
		if (!hash) return `signature algorithm ${subject.signatureAlgorithm} is not accepted`;
		if (
			!(await crypto.verify({ publicKey: issuer.publicKey, message: subject.tbs, signature: subject.signature, hash }))
		)
			return 'a signature on the path does not verify';
		subject = issuer;
	}
	for (const certificate of [leaf, ...above]) {
		if (time < certificate.notBefore || time > certificate.notAfter)
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
