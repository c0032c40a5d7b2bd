/**
 * The artifact as verification sees it. Signatures, logs and statements know an artifact by digests; the bytes
 * themselves are needed for one kind of signature only (plain Ed25519). So an artifact of any size can be read once,
 * by whoever has it, and only its digests come here.
 */
import { hashOfKey } from '@chancery/core/algorithm-registry';
import { HASH_ALGORITHMS } from '@chancery/core/algorithms';
import { equalBytes, toHex } from '@chancery/core/bytes';
import { digest, digestLength, type HashAlgorithm } from '@chancery/core/sha';
import { keyDetailsOf, parseSpki } from '@chancery/core/spki';
import { type BundleContent, openBundle } from './bundle-content.ts';
import type { Policy } from './policy.ts';
import { digestNamesIn } from './statement.ts';
import { readOr, VerifyError } from './verify-error.ts';

export interface ArtifactDigest {
	readonly algorithm: HashAlgorithm;
	readonly value: Uint8Array;
}

/** The artifact itself, or only digests of it: `artifactNeeds` says which. */
export type Artifact = { readonly bytes: Uint8Array } | { readonly digests: readonly ArtifactDigest[] };

/** What a verification will ask of the artifact. */
export interface ArtifactNeeds {
	/** Any of these will do for a statement; a signature of the artifact has exactly one. */
	readonly hashes: readonly HashAlgorithm[];
	/** An Ed25519 signature whose form does not say whether it is over the bytes or over their digest. */
	readonly mayNeedBytes: boolean;
}

/**
 * What verifying `bundle` (a JSON value from an untrusted source) will ask of the artifact. Nothing is verified here.
 * @throws {VerifyError} `bundle-malformed`, `certificate-invalid` or `statement-mismatch`, as the verification would
 */
export function artifactNeeds(bundle: unknown, policy: Policy): ArtifactNeeds {
	const content = readOr('bundle-malformed', 'the bundle', () => openBundle(bundle));
	if (content.signed.kind === 'envelope')
		return { hashes: digestNamesIn(content.signed.envelope), mayNeedBytes: false };
	const publicKey = signingKeyOf(content, policy);
	const hash = signedHash(content.signed.claimedDigest, publicKey);
	return { hashes: [hash], mayNeedBytes: publicKey !== undefined && isEd25519(publicKey) };
}

/** Undefined where the policy wants a certificate and the bundle has none: the verification refuses it. */
function signingKeyOf({ signer }: BundleContent, policy: Policy): Uint8Array | undefined {
	if (signer.kind === 'certificate') return signer.certificate.publicKey;
	return policy.kind === 'key' ? policy.publicKey : undefined;
}

/** The hash that a signature of an artifact is over: the one the bundle names, else the one that belongs to the key. */
export function signedHash(
	claimed: { readonly algorithm: string } | undefined,
	publicKey: Uint8Array | undefined,
): HashAlgorithm {
	if (claimed) return hashNamed(claimed.algorithm);
	return publicKey === undefined ? 'SHA2_256' : defaultHashOf(publicKey);
}

/** @throws {VerifyError} `artifact-mismatch` when only other kinds of digest are known */
export function digestOf(artifact: Artifact, hash: HashAlgorithm): Uint8Array {
	const known = knownDigest(artifact, hash);
	if (known) return known;
	throw new VerifyError('artifact-mismatch', 'the signature is over another kind of digest; give the artifact itself', {
		expected: hash,
		found: 'digests' in artifact ? artifact.digests.map(({ algorithm }) => algorithm).join(', ') : '',
	});
}

/** As `digestOf`; undefined where it is not known. */
export function knownDigest(artifact: Artifact, hash: HashAlgorithm): Uint8Array | undefined {
	if ('bytes' in artifact) return digest(hash, artifact.bytes);
	return artifact.digests.find(({ algorithm, value }) => algorithm === hash && value.length === digestLength(hash))
		?.value;
}

/** The digest in a bundle is not signed; it serves only to tell a wrong artifact from a wrong signature. */
export function checkClaimedDigest(
	claimed: { readonly digest: Uint8Array } | undefined,
	artifactDigest: Uint8Array,
): void {
	if (claimed && !equalBytes(claimed.digest, artifactDigest))
		throw new VerifyError('artifact-mismatch', 'the bundle is for another artifact', {
			expected: toHex(claimed.digest),
			found: toHex(artifactDigest),
		});
}

function hashNamed(name: string): HashAlgorithm {
	const hash = HASH_ALGORITHMS.find((algorithm) => algorithm === name);
	if (hash !== undefined) return hash;
	throw new VerifyError('bundle-malformed', 'the digest in the bundle has an algorithm that is not accepted', {
		expected: 'SHA2_256, SHA2_384 or SHA2_512',
		found: name,
	});
}

/** The hash that Sigstore's algorithm registry pairs with a key. Refuses keys that the registry does not have. */
export function defaultHashOf(publicKey: Uint8Array): HashAlgorithm {
	return readOr('certificate-invalid', 'the public key', () => {
		const key = parseSpki(publicKey);
		// Throws for sizes that have no name.
		keyDetailsOf(key);
		return hashOfKey(key);
	});
}

export function isEd25519(publicKey: Uint8Array): boolean {
	return readOr('certificate-invalid', 'the public key', () => parseSpki(publicKey)).algorithm === 'ed25519';
}
