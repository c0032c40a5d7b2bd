/**
 * The chain that an entry of the signature log may carry behind its certificate. It must lead to its own last certificate at the leaf's
 * notBefore (RFC 5280 section 6.1, any extended key usage); whether anybody trusts that root is not asked.
 */
import { X509Certificate } from 'node:crypto';
import { basicConstraints, type Certificate } from '@chancery/core/certificate';
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
		let current = new X509Certificate(leaf.der);
		for (const issuer of issuers) {
			if (!mayIssue(issuer, leaf.notBefore)) return false;
			const parent = new X509Certificate(issuer.der);
			if (!isIssuedBy(current, parent, issuer.publicKey)) return false;
			current = parent;
		}
		return true;
	} catch {
		// Basic constraints may be anything but that, and OpenSSL refuses what our parser accepted: points off their curve,
		// unknown signature algorithms.
		return false;
	}
}

function mayIssue(issuer: Certificate, at: Date): boolean {
	return at >= issuer.notBefore && at <= issuer.notAfter && basicConstraints(issuer)?.ca === true;
}

function isIssuedBy(child: X509Certificate, parent: X509Certificate, spki: Uint8Array): boolean {
	if (!child.checkIssued(parent)) return false;
	// The submitter chose this key: only kinds and sizes that we read are used, not everything that OpenSSL would.
	const key = readPublicKey(spki);
	return key !== undefined && isStrongEnough(key.info) && child.verify(key.key);
}
