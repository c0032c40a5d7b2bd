/**
 * The authority: its key, and the certificates that say what the key is for. Checked once at start, so that with a chain that
 * clients would refuse, the service does not start at all.
 */

import { DomainError } from '@chancery/chassis/domain-error';
import { equalBytes } from '@chancery/core/bytes';
import {
	basicConstraints,
	type Certificate,
	EKU_TIME_STAMPING,
	extendedKeyUsage,
	keyUsage,
	nameToString,
	OID_EXTENDED_KEY_USAGE,
	parseCertificate,
} from '@chancery/core/certificate';
import { describeLinkFault, LINK_RULES, linkFault } from '@chancery/core/certificate-link';
import { ChanceryError } from '@chancery/core/chancery-error';
import { encodePem, parsePem } from '@chancery/core/pem';
import type { Signer } from '@chancery/keys/signer';
import { verifySignature } from '@chancery/keys/verify-signature';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from './signature-algorithms.ts';

export interface Authority {
	readonly signer: Signer;
	readonly algorithm: SignatureAlgorithm;
	/** Certificates in the order of the wire: the authority's own first, the root last. At least two. */
	readonly chain: readonly Certificate[];
	readonly leaf: Certificate;
	/** The same chain in PEM, as it is served. */
	readonly chainPem: string;
}

/** Chain and key are not those of a timestamp authority. The message says what was expected and what was found. */
export class AuthorityError extends ChanceryError<'authority-unsuitable'> {
	constructor(message: string, options?: ErrorOptions) {
		super('authority-unsuitable', message, options);
	}
}

/**
 * Checks a chain (PEM, authority first, root last) against the rules of strict clients (RFC 3161 section 2.3) and against the
 * key. Dates are not checked here: with a chain that is not valid yet, the service must still start.
 * @throws {AuthorityError} when chain or key cannot be used, {FormatError} when the PEM or a certificate cannot be parsed
 */
export function openAuthority(input: { chainPem: string; signer: Signer }): Authority {
	const { signer } = input;
	const algorithm = SIGNATURE_ALGORITHMS[signer.algorithm];
	if (!algorithm)
		throw new AuthorityError(`the key is ${signer.algorithm}; timestamp clients verify ECDSA on P-256 and P-384 only`);

	const chain = parsePem(input.chainPem).map((block) => parseCertificate(block.der));
	const [leaf] = chain;
	if (!leaf || chain.length < 2)
		throw new AuthorityError(
			`the chain has ${chain.length} certificates; at least an authority and its root are needed`,
		);
	if (!equalBytes(leaf.publicKey, signer.publicKey))
		throw new AuthorityError(
			`the first certificate (${nameToString(leaf.subject)}) is not for the key of this authority`,
		);
	checkLeaf(leaf);
	for (const place of chain.keys()) checkLink(chain, place);
	return {
		signer,
		algorithm,
		chain,
		leaf,
		chainPem: chain.map((certificate) => encodePem('CERTIFICATE', certificate.der)).join(''),
	};
}

/** The leaf may have only one purpose, and it is critical: a timestamp by a key with other purposes proves less. */
function checkLeaf(leaf: Certificate): void {
	const name = nameToString(leaf.subject);
	if (basicConstraints(leaf)?.ca) throw new AuthorityError(`${name} is a CA; a timestamp authority must not be one`);
	const purposes = extendedKeyUsage(leaf);
	if (purposes.length !== 1 || purposes[0] !== EKU_TIME_STAMPING)
		throw new AuthorityError(`${name} has the purposes [${purposes.join(', ')}]; exactly timeStamping is expected`);
	if (!leaf.extension(OID_EXTENDED_KEY_USAGE)?.critical)
		throw new AuthorityError(`the extended key usage of ${name} is not critical`);
	const usages = keyUsage(leaf);
	const others = (usages ?? []).filter((usage) => usage !== 'digitalSignature' && usage !== 'contentCommitment');
	if (others.length > 0)
		throw new AuthorityError(`${name} has the key usages ${others.join(', ')} besides digitalSignature`);
}

/** Each certificate was issued by the next one; a root is its own issuer. The first one is no CA. */
function checkLink(chain: readonly Certificate[], place: number): void {
	const above = Math.min(place + 1, chain.length - 1);
	const [certificate, issuer] = [chain[place]!, chain[above]!];
	const link = { certificate, issuer, below: above - 1, at: undefined };
	const fault = linkFault(link, LINK_RULES.verifier, verifySignature);
	if (!fault) return;
	const [name, issuerName] = [nameToString(certificate.subject), nameToString(issuer.subject)];
	switch (fault) {
		case 'issuer-name':
			throw new AuthorityError(
				`${name} names ${nameToString(certificate.issuer)} as its issuer, the chain continues with ${issuerName}`,
			);
		case 'signature-algorithm':
			throw new AuthorityError(`${name} is signed with ${certificate.signatureAlgorithm}, which clients do not verify`);
		case 'key-type':
		case 'signature':
			throw new AuthorityError(`the signature on ${name} is not by the key of ${issuerName}`);
		case 'not-a-ca':
			throw new AuthorityError(`${issuerName} issued ${name} but is no CA`);
		default:
			throw new AuthorityError(`${issuerName} issued ${name}: ${describeLinkFault(fault, link)}`);
	}
}

/** @throws {DomainError} `certificate-not-valid` when any certificate of the chain is not valid at that time */
export function requireValidAt({ chain }: Authority, timeMs: number): void {
	for (const { notBefore, notAfter } of chain)
		if (timeMs < notBefore.getTime() || timeMs > notAfter.getTime())
			throw new DomainError(
				'certificate-not-valid',
				`a certificate of this authority is valid from ${notBefore.toISOString()} to ${notAfter.toISOString()}, it is ${new Date(timeMs).toISOString()}`,
			);
}
