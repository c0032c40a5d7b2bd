/**
 * One link of a certificate chain (RFC 5280 sections 6.1.3 and 6.1.4): whether a certificate was issued by the one above it.
 * Every chain that we read, our own included, is checked by this function, link by link. Who walks the chain decides the
 * direction: a stranger chooses how long his chain is and which keys are in it.
 */
import { type KeyKind, type SignatureAlgorithm, signatureAlgorithmOf } from './algorithms.ts';
import { equalBytes } from './bytes.ts';
import { basicConstraints, type Certificate, keyUsage, nameToString } from './certificate.ts';
import { FormatError } from './format-error.ts';
import { rsaPssHash } from './rsa-pss.ts';
import type { SignedMessage } from './signed-message.ts';
import { type PublicKeyInfo, parseSpki } from './spki.ts';

/** A certificate in the place of an issuer. */
export interface IssuerPlace {
	readonly issuer: Certificate;
	/** CA certificates between the issuer and the end of the path, for its path length (section 4.2.1.9). */
	readonly below: number;
	/** When the issuer's certificate must be valid; undefined where the times of a chain are judged apart from its links. */
	readonly at: Date | undefined;
}

export interface CertificateLink extends IssuerPlace {
	readonly certificate: Certificate;
}

/** What is asked of every issuer beside name, CA flag and signature, which nobody does without. */
export interface LinkRules {
	readonly pathLength: 'limits' | 'ignored';
	/** keyCertSign: `if-present` lets a certificate without key usage sign, as section 4.2.1.3 does. */
	readonly keyUsage: 'required' | 'if-present' | 'ignored';
	/**
	 * Signatures by RSASSA-PSS under a plain RSA key. Where they are accepted, the primitive must take the padding from the
	 * certificate.
	 */
	readonly rsaPss: 'accepted' | 'refused';
}

export const LINK_RULES = {
	/** Whoever believes what a chain says. */
	verifier: { pathLength: 'limits', keyUsage: 'if-present', rsaPss: 'refused' },
	/** An issuing authority's own chain, of which nothing is left open that a strict client could miss. */
	authority: { pathLength: 'limits', keyUsage: 'required', rsaPss: 'refused' },
	/** A CT log, which must not hide what an authority has done wrong from those who read it (RFC 6962 section 3.1). */
	ctLog: { pathLength: 'ignored', keyUsage: 'ignored', rsaPss: 'refused' },
	/**
	 * The signature log, which takes the chains of any authority of its clients, as Rekor does, and believes none. OpenSSL
	 * judges the key usage for it: some authorities write that one in an encoding that we do not read.
	 */
	signatureLog: { pathLength: 'limits', keyUsage: 'ignored', rsaPss: 'accepted' },
} as const satisfies Record<string, LinkRules>;

/** What may be wrong with a link, in the order in which it is looked at: what costs a signature check comes last. */
export type LinkFault =
	| 'issuer-name'
	| 'not-a-ca'
	| 'path-length'
	| 'key-usage'
	| 'not-valid'
	| 'signature-algorithm'
	| 'key-type'
	| 'signature';

/** The signature of a certificate, as its issuer's key is asked about it. */
export interface LinkSignature extends SignedMessage {
	readonly info: PublicKeyInfo;
}

/** Whether a certificate may issue others here. Throws FormatError for extensions that cannot be read. */
export function issuerFault({ issuer, below, at }: IssuerPlace, rules: LinkRules): LinkFault | undefined {
	const constraints = basicConstraints(issuer);
	if (!constraints?.ca) return 'not-a-ca';
	const { pathLength } = constraints;
	if (rules.pathLength === 'limits' && pathLength !== undefined && below > pathLength) return 'path-length';
	if (rules.keyUsage !== 'ignored') {
		const usage = keyUsage(issuer);
		if (usage ? !usage.includes('keyCertSign') : rules.keyUsage === 'required') return 'key-usage';
	}
	return at && !isValidAt(issuer, at) ? 'not-valid' : undefined;
}

/** All that can be known of a link without a key. Names are compared by their bytes. Throws FormatError as `issuerFault`. */
export function unsignedFault(link: CertificateLink, rules: LinkRules): LinkFault | undefined {
	return equalBytes(link.certificate.issuer, link.issuer.subject) ? issuerFault(link, rules) : 'issuer-name';
}

/**
 * What is wrong with a link, or undefined. The algorithm that the certificate names must be an accepted one and fit the key
 * of the issuer: a primitive that goes by the key alone would take a signature of another kind.
 *
 * `verify` is the signature primitive; where it answers later, so does this. Throws FormatError as `issuerFault`.
 */
export function linkFault(
	link: CertificateLink,
	rules: LinkRules,
	verify: (signed: LinkSignature) => boolean,
): LinkFault | undefined;
export function linkFault(
	link: CertificateLink,
	rules: LinkRules,
	verify: (signed: LinkSignature) => boolean | Promise<boolean>,
): LinkFault | undefined | Promise<LinkFault | undefined>;
export function linkFault(
	link: CertificateLink,
	rules: LinkRules,
	verify: (signed: LinkSignature) => boolean | Promise<boolean>,
): LinkFault | undefined | Promise<LinkFault | undefined> {
	const fault = unsignedFault(link, rules);
	if (fault) return fault;
	const { tbs: message, signature } = link.certificate;
	const algorithm = acceptedAlgorithm(link.certificate, rules);
	if (!algorithm) return 'signature-algorithm';
	const { publicKey } = link.issuer;
	const info = readKey(publicKey);
	if (info?.algorithm !== algorithm.key) return 'key-type';
	const verdict = verify({ publicKey, info, message, signature, hash: algorithm.hash });
	return typeof verdict === 'boolean' ? signatureFault(verdict) : verdict.then(signatureFault);
}

/** Whether a moment lies in the validity of a certificate; both ends belong to it (section 4.1.2.5). */
export function isValidAt({ notBefore, notAfter }: Certificate, time: Date): boolean {
	return time >= notBefore && time <= notAfter;
}

/** The kind of a certificate's key, which the name of a signature under it must fit; undefined when it is not read here. */
export function keyKindOf({ publicKey }: Certificate): KeyKind | undefined {
	return readKey(publicKey)?.algorithm;
}

/** A fault in words, for a link between two certificates that the reader knows. Throws FormatError for unreadable names. */
export function describeLinkFault(fault: LinkFault, { certificate, issuer, below, at }: CertificateLink): string {
	const issuerName = nameToString(issuer.subject);
	switch (fault) {
		case 'issuer-name':
			return `the issuer named is ${nameToString(certificate.issuer)}, the next certificate is of ${issuerName}`;
		case 'not-a-ca':
			return `${issuerName} is not a CA`;
		case 'path-length':
			return `${issuerName} allows a path length of ${basicConstraints(issuer)?.pathLength}, ${below} are needed`;
		case 'key-usage':
			return `the key usage of ${issuerName} does not allow to sign certificates`;
		case 'not-valid':
			return `${issuerName} is not valid at ${at?.toISOString()}`;
		case 'signature-algorithm':
			return `the signature algorithm ${certificate.signatureAlgorithm} is not known`;
		case 'key-type':
			return `the signature is made for a key of type ${signatureAlgorithmOf(certificate.signatureAlgorithm)?.key}, the issuer has ${keyKindOf(issuer) ?? 'one that is not read here'}`;
		case 'signature':
			return 'the signature does not verify';
	}
}

function acceptedAlgorithm(
	{ signatureAlgorithm, signatureIdentifier }: Certificate,
	{ rsaPss }: LinkRules,
): Pick<SignatureAlgorithm, 'key' | 'hash'> | undefined {
	const algorithm = signatureAlgorithmOf(signatureAlgorithm);
	if (algorithm || rsaPss === 'refused') return algorithm;
	const hash = rsaPssHash(signatureIdentifier);
	return hash && { key: 'rsa', hash };
}

function signatureFault(verifies: boolean): LinkFault | undefined {
	return verifies ? undefined : 'signature';
}

/** Undefined for a key of a kind or size that is not read here, under which nothing verifies. */
function readKey(spki: Uint8Array): PublicKeyInfo | undefined {
	try {
		return parseSpki(spki);
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
	}
}
