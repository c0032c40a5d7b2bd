/**
 * RFC 3161 timestamps over a signature, by the authorities of the trusted root. The requirements are those of RFC 3161
 * section 2.3 and of Sigstore's client specification; certificates that travel with a timestamp are never trusted.
 */
import { KEYS, signatureAlgorithmOf } from '@chancery/core/algorithms';
import { equalBytes } from '@chancery/core/bytes';
import {
	basicConstraints,
	type Certificate,
	EKU_TIME_STAMPING,
	extendedKeyUsage,
	OID_EXTENDED_KEY_USAGE,
} from '@chancery/core/certificate';
import { keyKindOf } from '@chancery/core/certificate-link';
import { readHashAlgorithm } from '@chancery/core/cms';
import { DerReader } from '@chancery/core/der';
import { digest } from '@chancery/core/sha';
import { isSigningCertificate, parseTimeStampResp, type TimeStampResp } from '@chancery/core/timestamp';
import { pathProblem } from './certificate-path.ts';
import type { CryptoPort } from './crypto-port.ts';
import { isWithin, type TrustedAuthority } from './trust-material.ts';
import { readOr, VerifyError } from './verify-error.ts';

export interface TimestampEvidence {
	/** The authority's endpoint. */
	readonly uri: string;
	readonly time: Date;
}

/**
 * Checks every timestamp; one that is not good spoils the bundle, because an honest signer has no use for it.
 * @throws {VerifyError} `timestamp-invalid`
 */
export async function checkTimestamps(
	timestamps: readonly Uint8Array[],
	/** Raw bytes of the signature that was timestamped. */
	signature: Uint8Array,
	authorities: readonly TrustedAuthority[],
	crypto: CryptoPort,
): Promise<TimestampEvidence[]> {
	const evidence: TimestampEvidence[] = [];
	for (const der of timestamps) {
		const response = parse(der);
		checkImprint(response, signature);
		evidence.push(await checkAuthority(response, authorities, crypto));
	}
	if (new Set(evidence.map(({ uri }) => uri)).size !== evidence.length)
		throw invalid('two timestamps come from one authority');
	return evidence;
}

function parse(der: Uint8Array): TimeStampResp {
	return readOr('timestamp-invalid', 'a timestamp', () => {
		const response = parseTimeStampResp(der);
		checkPreamble(der, response);
		return response;
	});
}

/**
 * Version and digest algorithms stand in front of the signed data and outside of every signature (RFC 5652 section 5.1).
 * They are held to what they must say, so that a timestamp cannot be altered without anybody noticing.
 */
function checkPreamble(der: Uint8Array, { signer }: TimeStampResp): void {
	const response = new DerReader(der).sequence();
	response.read();
	const contentInfo = response.sequence();
	contentInfo.oid();
	const signedData = contentInfo.context(0).sequence();
	// 3 because the content is not plain data.
	if (signedData.smallInteger() !== 3) throw invalid('a timestamp is malformed: not signed data of version 3');
	const list = signedData.set();
	const named: string[] = [];
	while (list.hasMore) named.push(readHashAlgorithm(list));
	if (!named.includes(signer.digestAlgorithm))
		throw invalid('a timestamp is malformed: the digest algorithm of the signer is not announced');
}

function checkImprint({ imprint }: TimeStampResp, signature: Uint8Array): void {
	if (!equalBytes(imprint.digest, digest(imprint.hashAlgorithm, signature)))
		throw invalid('a timestamp is for another signature');
}

async function checkAuthority(
	response: TimeStampResp,
	authorities: readonly TrustedAuthority[],
	crypto: CryptoPort,
): Promise<TimestampEvidence> {
	const { signer, genTime } = response;
	const named = authorities.filter(({ certificates: [leaf] }) => isNamedBy(response, leaf));
	if (named.length === 0) throw invalid('a timestamp comes from an authority that is not trusted');
	if (!equalBytes(signer.messageDigest, digest(signer.digestAlgorithm, response.tstInfo)))
		throw invalid('the content of a timestamp is not what was signed');
	const reasons: string[] = [];
	for (const authority of named) {
		const problem = await authorityProblem(response, authority, crypto);
		if (problem === undefined) return { uri: authority.uri, time: genTime };
		reasons.push(problem);
	}
	throw invalid(`a timestamp does not verify: ${reasons.join('; ')}`);
}

/** The signer identifier and the signing-certificate attribute must both mean this certificate. */
function isNamedBy({ signer, signingCertificate }: TimeStampResp, leaf: Certificate): boolean {
	return (
		equalBytes(signer.issuer, leaf.issuer) &&
		equalBytes(signer.serial, leaf.serial) &&
		isSigningCertificate(signingCertificate, leaf.der)
	);
}

async function authorityProblem(
	{ signer, genTime, certificates }: TimeStampResp,
	authority: TrustedAuthority,
	crypto: CryptoPort,
): Promise<string | undefined> {
	const [leaf, ...above] = authority.certificates;
	if (!isWithin(authority.validity, genTime)) return `the authority was not in use at ${genTime.toISOString()}`;
	if (basicConstraints(leaf)?.ca) return 'the signing certificate is a CA';
	const usage = leaf.extensions.find(({ oid }) => oid === OID_EXTENDED_KEY_USAGE);
	// RFC 3161 section 2.3: critical, and nothing beside it.
	if (!usage?.critical || extendedKeyUsage(leaf).join() !== EKU_TIME_STAMPING)
		return 'the signing certificate is not for timestamping only';
	// Not trusted, but nobody should find another certificate there than the one that signed.
	if (certificates.length > 0 && !certificates.some((der) => equalBytes(der, leaf.der)))
		return 'the certificate that came along is not that of the authority';
	// CMS may name RSA without a hash, which is then that of the content (RFC 3370 section 3.2).
	const algorithm =
		signer.signatureAlgorithm === KEYS.rsa.oid
			? { key: 'rsa', hash: signer.digestAlgorithm }
			: signatureAlgorithmOf(signer.signatureAlgorithm);
	if (!algorithm) return `signature algorithm ${signer.signatureAlgorithm} is not accepted`;
	const { publicKey } = leaf;
	const signed = { publicKey, message: signer.signedAttributes, signature: signer.signature, hash: algorithm.hash };
	if (keyKindOf(leaf) !== algorithm.key || !(await crypto.verify(signed))) return 'the signature does not verify';
	// An authority given by its leaf alone is its own anchor.
	return pathProblem(leaf, above, genTime, crypto);
}

function invalid(message: string): VerifyError {
	return new VerifyError('timestamp-invalid', message);
}
