/**
 * The chain that an entry of the signature log may carry behind its certificate. It must lead to its own last certificate at the leaf's
 * notBefore (RFC 5280 section 6.1, any extended key usage); whether anybody trusts that root is not asked.
 */
import { X509Certificate } from 'node:crypto';
import type { Certificate } from '@chancery/core/certificate';
import { LINK_RULES, linkFault } from '@chancery/core/certificate-link';
import { isStrongEnough, readPublicKey } from '../public-key.ts';

/** Leaf first; at least one issuer behind it. */
export type CertificateChain = readonly [leaf: Certificate, ...issuers: Certificate[]];

/**
 * Whether each certificate is issued by the one behind it. In this order only: searching for a path would let a
 * submitter choose how many signatures we verify. What OpenSSL cannot read is not a chain.
 */
export function isCertificateChain([leaf, ...issuers]: CertificateChain): boolean {
	try {
		// Each is given to OpenSSL once, though all but the first and the last have two neighbours.
		let [certificate, seen] = [leaf, new X509Certificate(leaf.der)];
		for (const [below, issuer] of issuers.entries()) {
			const parent = new X509Certificate(issuer.der);
			// OpenSSL also compares the identifiers of the keys (RFC 5280 section 4.2.1.1) and asks for keyCertSign.
			if (!seen.checkIssued(parent)) return false;
			const child = seen;
			const link = { certificate, issuer, below, at: leaf.notBefore };
			if (linkFault(link, LINK_RULES.signatureLog, ({ publicKey }) => isSignedWith(child, publicKey))) return false;
			[certificate, seen] = [issuer, parent];
		}
		return true;
	} catch {
		// Extensions may be anything but what they should be, and OpenSSL refuses what our parser accepted.
		return false;
	}
}

/** OpenSSL takes hash and padding from the certificate, so that RSA-PSS is verified as what it is. */
function isSignedWith(child: X509Certificate, spki: Uint8Array): boolean {
	// The submitter chose this key: only kinds and sizes that we read are used, not everything that OpenSSL would.
	const key = readPublicKey(spki);
	return key !== undefined && isStrongEnough(key.info) && child.verify(key.key);
}
