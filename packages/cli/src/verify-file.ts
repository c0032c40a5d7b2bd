/** What the verifying commands share with the conformance client: a file or digest, a bundle, and the verdict. */
import { existsSync } from 'node:fs';
import { nodeCrypto } from '@chancery/client/node-crypto';
import { hashWithName } from '@chancery/core/algorithms';
import { fromHex } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { parseUniqueJson } from '@chancery/core/json';
import { digestLength } from '@chancery/core/sha';
import { type Artifact, artifactNeeds } from '@chancery/verify/artifact';
import type { Policy } from '@chancery/verify/policy';
import type { TrustMaterial } from '@chancery/verify/trust-material';
import { type VerificationEvidence, verifyBundle } from '@chancery/verify/verify-bundle';
import { VerifyError } from '@chancery/verify/verify-error';
import { digestFile, type ReadOptions, readWholeFile } from './artifact-file.ts';
import type { InputFiles } from './input-files.ts';
import { UsageError } from './usage-error.ts';

export interface FileVerification extends ReadOptions {
	readonly trust: TrustMaterial;
	readonly policy: Policy;
	readonly inputs: InputFiles;
}

const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;
/** A plain Ed25519 signature needs all of the bytes twice, so they must be in memory. Other signatures need a digest. */
const MAX_HELD_BYTES = 128 * 1024 * 1024;

/**
 * Verifies the bundle at `bundlePath` over `fileOrDigest`: a path, `-` for standard input, or `sha256:<hex>` (sha384,
 * sha512) when no such file exists.
 * @throws {VerifyError | FileProblem | UsageError}
 */
export async function verifyFile(
	fileOrDigest: string,
	bundlePath: string,
	{ trust, policy, inputs, ...reading }: FileVerification,
): Promise<VerificationEvidence> {
	const text = await inputs.readText(bundlePath, 'the bundle', MAX_BUNDLE_BYTES);
	const bundle = parseBundleText(text);
	const artifact = parseDigest(fileOrDigest) ?? (await readArtifact(fileOrDigest, bundle, policy, inputs, reading));
	return verifyBundle({ bundle, trust, policy, artifact, crypto: nodeCrypto });
}

/** @throws {UsageError} when it looks like a digest and is not one */
function parseDigest(text: string): Artifact | undefined {
	const [, name = '', hex = ''] = /^(sha256|sha384|sha512):(.*)$/is.exec(text) ?? [];
	const algorithm = hashWithName(name.toLowerCase());
	if (algorithm === undefined || existsSync(text)) return undefined;
	const digits = 2 * digestLength(algorithm);
	if (hex.length !== digits || !/^[0-9a-f]+$/i.test(hex))
		throw new UsageError(
			`${text.slice(0, 200)} is neither a file nor a digest: ${digits} hexadecimal digits are expected behind ${name}:`,
		);
	return { digests: [{ algorithm, value: fromHex(hex.toLowerCase()) }] };
}

async function readArtifact(
	path: string,
	bundle: unknown,
	policy: Policy,
	inputs: InputFiles,
	reading: ReadOptions,
): Promise<Artifact> {
	const { hashes, mayNeedBytes } = artifactNeeds(bundle, policy);
	if (!mayNeedBytes) return digestFile(path, hashes, inputs, reading);
	const why = 'the bundle has an Ed25519 signature over the artifact itself, which must be held in memory to verify it';
	return readWholeFile(path, MAX_HELD_BYTES, why, inputs, reading);
}

function parseBundleText(text: string): unknown {
	try {
		return parseUniqueJson(text);
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		const what = text.trim() === '' ? 'it is empty' : `it is not JSON that can be used (${cause.message})`;
		throw new VerifyError('bundle-malformed', `the bundle is malformed: ${what}`, { cause });
	}
}

/** The evidence in the form of the `--json` output. */
export function evidenceJson(evidence: VerificationEvidence) {
	return {
		verified: true,
		identity: evidence.identity,
		times: evidence.times.map(({ source, uri, time }) => ({ source, uri, time: time.toISOString() })),
		logEntries: evidence.logEntries,
		scts: evidence.scts.map(({ logUrl, time }) => ({ logUrl, time: time.toISOString() })),
		...(evidence.statement === undefined ? {} : { statement: evidence.statement }),
	};
}
