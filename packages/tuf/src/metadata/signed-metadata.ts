/**
 * Signing and checking metadata, used by every publication. Signatures are over the canonical JSON of `signed`, never over the
 * bytes that are sent.
 */

import { describeProblems } from '@chancery/chassis/describe-problems';
import { DomainError } from '@chancery/chassis/domain-error';
import { fromHex, fromUtf8, toHex, utf8 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import { olpcCanonicalJson } from '@chancery/core/olpc-json';
import type { Signer } from '@chancery/keys/signer';
import { verifySignature } from '@chancery/keys/verify-signature';
import { z } from 'zod';
import {
	METADATA_SCHEMAS,
	type MetadataOf,
	metadataSignature,
	type Role,
	type RootMetadata,
	type SignedMetadata,
} from './metadata.ts';
import { identifyKey, keyIdOf, publicKeyOf } from './tuf-keys.ts';

/** The smallest limit of any client, for every role except root and targets, which may be larger. */
const MAX_METADATA_BYTES: Readonly<Record<Role, number>> = {
	root: 512_000,
	targets: 5_000_000,
	snapshot: 2_000_000,
	timestamp: 16_384,
};
const MAX_SIGNATURES = 32;

/** Signs `signed` with each signer, in the order given. */
export async function signMetadata<Signed extends object>(
	signed: Signed,
	signers: readonly Signer[],
): Promise<SignedMetadata<Signed>> {
	const message = olpcCanonicalJson(signed);
	const signatures = await Promise.all(
		signers.map(async (signer) => ({
			keyid: identifyKey(signer.publicKey).keyId,
			sig: toHex(await signer.sign(message)),
		})),
	);
	return { signatures, signed };
}

/**
 * Returns the bytes that are published and never change again.
 * @throws {DomainError} `invalid-metadata` when they are larger than clients read
 */
export function encodeMetadata(metadata: SignedMetadata<object>, role: Role): Uint8Array {
	const content = utf8(`${JSON.stringify(metadata, null, 1)}\n`);
	checkLength(content, role);
	return content;
}

/** Parses a signed file of the given role. @throws {DomainError} `invalid-metadata` */
export function parseMetadata<R extends Role>(content: Uint8Array, role: R): SignedMetadata<MetadataOf<R>> {
	checkLength(content, role);
	try {
		return readMetadata(parseJson(fromUtf8(content)), role);
	} catch (cause) {
		if (cause instanceof FormatError) throw invalid(`${role}.json is not JSON: ${cause.message}`, cause);
		throw cause;
	}
}

function checkLength(content: Uint8Array, role: Role): void {
	if (content.length > MAX_METADATA_BYTES[role])
		throw invalid(`${role}.json is longer than the ${MAX_METADATA_BYTES[role]} bytes that clients read`);
}

/** As `parseMetadata`, from a JSON value. */
export function readMetadata<R extends Role>(value: unknown, role: R): SignedMetadata<MetadataOf<R>> {
	const envelope = z.strictObject({
		signatures: z.array(metadataSignature).max(MAX_SIGNATURES),
		signed: METADATA_SCHEMAS[role],
	});
	const parsed = envelope.safeParse(value);
	if (!parsed.success) throw invalid(`${role}.json breaks its schema: ${describeProblems(parsed.error)}`, parsed.error);
	return parsed.data as SignedMetadata<MetadataOf<R>>;
}

/**
 * Checks that `metadata` has signatures for the threshold of the keys that `root` gives to `role`. A key counts once. A key whose
 * id is not the hash of its content never counts, because some clients would refuse the whole file. Signatures by other keys
 * are ignored: the next keyholders may have signed already.
 * @throws {DomainError} `threshold-not-met`; `invalid-metadata` when one key has signed twice
 */
export function checkThreshold(metadata: SignedMetadata<object>, root: RootMetadata, role: Role): void {
	const { keyids, threshold } = root.roles[role];
	const message = olpcCanonicalJson(metadata.signed);
	const seen = new Set<string>();
	let valid = 0;
	for (const { keyid, sig } of metadata.signatures) {
		if (seen.has(keyid)) throw invalid(`two signatures by key ${keyid}: every client refuses such a file`);
		seen.add(keyid);
		const key = keyids.includes(keyid) ? root.keys[keyid] : undefined;
		if (!key || keyIdOf(key) !== keyid) continue;
		if (verifySignature({ publicKey: publicKeyOf(key), message, signature: fromHex(sig) })) valid += 1;
	}
	if (valid < threshold)
		throw new DomainError('threshold-not-met', `${role} is signed by ${valid} of the ${threshold} keys it needs`);
}

/** Whether clients that trust `root` accept the published file. */
export function isSignedUnder(root: RootMetadata, role: Role, content: Uint8Array): boolean {
	try {
		checkThreshold(parseMetadata(content, role), root, role);
		return true;
	} catch (error) {
		if (error instanceof DomainError) return false;
		throw error;
	}
}

function invalid(detail: string, cause?: unknown): DomainError {
	return new DomainError('invalid-metadata', detail, { cause });
}
