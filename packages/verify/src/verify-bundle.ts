/**
 * The story of a verification: from a bundle, a trusted root, an artifact and a policy to evidence, or to the one
 * check that failed. The order is that of Sigstore's client specification; every step is mandatory.
 */
import { fromUtf8, toHex } from '@chancery/core/bytes';
import { type Certificate, EKU_CODE_SIGNING, extendedKeyUsage, keyUsage } from '@chancery/core/certificate';
import { preAuthEncode } from '@chancery/core/dsse';
import { FormatError } from '@chancery/core/format-error';
import { parseUniqueJson } from '@chancery/core/json';
import type { SignedDigest } from '@chancery/core/signed-message';
import type { SignedContent } from '@chancery/wire/entries/signed-content';
import {
	type Artifact,
	checkClaimedDigest,
	defaultHashOf,
	digestOf,
	isEd25519,
	knownDigest,
	signedHash,
} from './artifact.ts';
import { type BundleContent, openBundle } from './bundle-content.ts';
import { issuerIn, pathProblem } from './certificate-path.ts';
import type { CryptoPort } from './crypto-port.ts';
import { checkEntryBinding } from './entry-binding.ts';
import { checkLogEntry, type LogEntryEvidence } from './log-entry-check.ts';
import { type CertificateIdentity, checkIdentity, checkKeyPolicy, type Policy } from './policy.ts';
import { checkScts, type SctEvidence } from './sct-check.ts';
import { checkStatement } from './statement.ts';
import { checkTimestamps } from './timestamp-check.ts';
import { isWithin, type TrustedAuthority, type TrustMaterial } from './trust-material.ts';
import { readOr, VerifyError } from './verify-error.ts';

export interface VerificationRequest {
	/** The JSON value of the bundle, from an untrusted source. */
	readonly bundle: unknown;
	readonly trust: TrustMaterial;
	readonly artifact: Artifact;
	readonly policy: Policy;
	readonly crypto: CryptoPort;
}

/** A moment at which the signature is proved to have existed, and by whom. */
export interface VerifiedTime {
	readonly source: 'log' | 'timestamp-authority';
	readonly uri: string;
	readonly time: Date;
}

export interface VerificationEvidence {
	/** The identity in the certificate; undefined when a bare key signed. */
	readonly identity: CertificateIdentity | undefined;
	/** DER SubjectPublicKeyInfo of the key that signed. */
	readonly publicKey: Uint8Array;
	readonly times: readonly [VerifiedTime, ...VerifiedTime[]];
	readonly logEntries: readonly { readonly logUrl: string; readonly logIndex: number }[];
	readonly scts: readonly SctEvidence[];
	/** The in-toto statement, when an attestation was verified. */
	readonly statement: unknown;
}

/**
 * Verifies a bundle.
 * @throws {VerifyError}, and nothing else, when any check fails
 */
export async function verifyBundle(request: VerificationRequest): Promise<VerificationEvidence> {
	try {
		return await checkBundle(request);
	} catch (cause) {
		// Parsers run all along the way, and each refuses in its own place; none may be overlooked.
		if (!(cause instanceof FormatError)) throw cause;
		throw new VerifyError('bundle-malformed', `the bundle is malformed: ${cause.message}`, { cause });
	}
}

async function checkBundle(request: VerificationRequest): Promise<VerificationEvidence> {
	const { trust, policy, crypto } = request;

	// 1. The bundle as data, by the rules of its version.
	const bundle = openBundle(request.bundle);

	// 2. Who signed, judged by the policy before anything expensive.
	const identity = bundle.signer.kind === 'certificate' ? checkIdentity(bundle.signer.certificate, policy) : undefined;
	const publicKey =
		bundle.signer.kind === 'certificate'
			? bundle.signer.certificate.publicKey
			: checkKeyPolicy(bundle.signer.hint, policy);

	// 3. The signature over the artifact, or over the statement that names it.
	const content = await checkSignature(bundle, publicKey, request);

	// 4. Log entries: vouched for by a trusted log, and about this very signature.
	if (bundle.logEntries.length === 0) throw new VerifyError('log-entry-missing', 'the bundle has no log entry');
	const entries: LogEntryEvidence[] = [];
	for (const entry of bundle.logEntries) {
		checkEntryBinding(entry, content);
		entries.push(await checkLogEntry(entry, bundle.version, trust.tlogs, crypto));
	}
	if (new Set(entries.map(({ log }) => toHex(log.logId))).size !== entries.length)
		throw new VerifyError('log-entry-mismatch', 'the bundle has two entries of one log');

	// 5. Times: what trusted authorities and promises prove, never what a proof or the signer merely says.
	const stamps = await checkTimestamps(bundle.timestamps, bundle.signed.signature, trust.timestampAuthorities, crypto);
	const times: VerifiedTime[] = [
		...stamps.map(({ uri, time }) => ({ source: 'timestamp-authority' as const, uri, time })),
		...entries.flatMap(({ log, integratedTime }) =>
			integratedTime ? [{ source: 'log' as const, uri: log.baseUrl, time: integratedTime }] : [],
		),
	];
	const [firstTime, ...otherTimes] = times;
	if (!firstTime)
		throw new VerifyError('timestamp-missing', 'nothing in the bundle proves when the signature was made');
	for (const { log } of entries) {
		if (!times.every(({ time }) => isWithin(log.validity, time)))
			throw new VerifyError('log-unknown', `the key of ${log.baseUrl} was not in use when the signature was made`);
	}

	// 6. The certificate: chained to a trusted CA at every proved time, for code signing, and promised to a CT log.
	const scts =
		bundle.signer.kind === 'certificate' ? await checkCertificate(bundle.signer.certificate, times, trust, crypto) : [];

	return {
		identity,
		publicKey,
		times: [firstTime, ...otherTimes],
		logEntries: entries.map(({ log, logIndex }) => ({ logUrl: log.baseUrl, logIndex })),
		scts,
		statement:
			bundle.signed.kind === 'envelope' ? parseUniqueJson(fromUtf8(bundle.signed.envelope.payload)) : undefined,
	};
}

async function checkCertificate(
	leaf: Certificate,
	times: readonly VerifiedTime[],
	trust: TrustMaterial,
	crypto: CryptoPort,
): Promise<SctEvidence[]> {
	const { usage, purposes } = readOr('certificate-invalid', 'the purpose of the certificate', () => ({
		usage: keyUsage(leaf),
		purposes: extendedKeyUsage(leaf),
	}));
	if (!usage?.includes('digitalSignature'))
		throw new VerifyError('certificate-invalid', 'the certificate is not for digital signatures');
	if (!purposes.includes(EKU_CODE_SIGNING))
		throw new VerifyError('certificate-invalid', 'the certificate is not for code signing');
	const reasons: string[] = [];
	for (const authority of trust.certificateAuthorities) {
		const reason = await authorityProblem(leaf, authority, times, crypto);
		if (reason !== undefined) {
			reasons.push(`${authority.uri || 'CA'}: ${reason}`);
			continue;
		}
		const issuer = issuerIn(leaf, authority);
		if (issuer) return checkScts(leaf, issuer, trust.ctlogs, crypto);
	}
	throw new VerifyError(
		'certificate-untrusted',
		`no trusted CA issued the certificate: ${reasons.join('; ') || 'the trusted root has no CA'}`,
	);
}

async function authorityProblem(
	leaf: Certificate,
	authority: TrustedAuthority,
	times: readonly VerifiedTime[],
	crypto: CryptoPort,
): Promise<string | undefined> {
	const issuer = issuerIn(leaf, authority);
	if (!issuer) return 'the issuer name does not match';
	const above = authority.certificates.slice(authority.certificates.indexOf(issuer));
	for (const { time } of times) {
		if (!isWithin(authority.validity, time)) return `the authority was not in use at ${time.toISOString()}`;
		const problem = await pathProblem(leaf, above, time, crypto);
		if (problem !== undefined) return problem;
	}
	return undefined;
}

async function checkSignature(
	bundle: BundleContent,
	publicKey: Uint8Array,
	{ artifact, crypto }: VerificationRequest,
): Promise<SignedContent> {
	const verifier =
		bundle.signer.kind === 'certificate'
			? { kind: 'certificate' as const, der: bundle.signer.certificate.der, spki: publicKey }
			: { kind: 'publicKey' as const, der: publicKey, spki: publicKey };
	const { signature } = bundle.signed;
	// Also refuses keys that Sigstore's registry does not have, such as short RSA keys.
	const keyHash = defaultHashOf(publicKey);

	if (bundle.signed.kind === 'envelope') {
		const { envelope } = bundle.signed;
		const message = preAuthEncode(envelope.payloadType, envelope.payload);
		if (!(await crypto.verify({ publicKey, message, signature, hash: keyHash })))
			throw new VerifyError('signature-invalid', 'the signature of the envelope does not verify');
		checkStatement(envelope, (hash) => knownDigest(artifact, hash));
		return { subject: { kind: 'envelope', hash: keyHash, envelope }, signature, verifier };
	}

	const { claimedDigest } = bundle.signed;
	const hash = claimedDigest ? signedHash(claimedDigest, publicKey) : keyHash;
	const artifactDigest = digestOf(artifact, hash);
	checkClaimedDigest(claimedDigest, artifactDigest);
	const isValid =
		'bytes' in artifact && !isEd25519(publicKey)
			? await crypto.verify({ publicKey, message: artifact.bytes, signature, hash })
			: await verifyByDigest({ publicKey, hash, signature }, artifact, crypto);
	if (!isValid) throw new VerifyError('signature-invalid', 'the signature does not verify over the artifact');
	return { subject: { kind: 'artifact', hash, digest: artifactDigest }, signature, verifier };
}

/** Logs know an artifact by digest only, so Ed25519 signatures over artifacts may be in the prehash form or plain. */
async function verifyByDigest(
	signed: Omit<SignedDigest, 'digest'>,
	artifact: Artifact,
	crypto: CryptoPort,
): Promise<boolean> {
	const plain = isEd25519(signed.publicKey) && 'bytes' in artifact ? artifact.bytes : undefined;
	if (plain && (await crypto.verify({ ...signed, message: plain }))) return true;
	return crypto.verifyDigest({ ...signed, digest: digestOf(artifact, signed.hash) });
}
