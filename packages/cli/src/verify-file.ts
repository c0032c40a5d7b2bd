/** What the verifying commands share with the conformance client: a file or digest, a bundle, and the verdict. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { nodeCrypto } from '@chancery/client/node-crypto';
import { fromHex } from '@chancery/core/bytes';
import type { Policy } from '@chancery/verify/policy';
import type { TrustMaterial } from '@chancery/verify/trust-material';
import { type Artifact, type VerificationEvidence, verifyBundle } from '@chancery/verify/verify-bundle';
import { VerifyError } from '@chancery/verify/verify-error';

/**
 * Verifies the bundle at `bundlePath` over `fileOrDigest`: a path, or `sha256:<hex>` when no such file exists.
 * @throws VerifyError
 */
export async function verifyFile(
	fileOrDigest: string,
	bundlePath: string,
	trust: TrustMaterial,
	policy: Policy,
): Promise<VerificationEvidence> {
	const bundle = parseBundleText(await readFile(bundlePath, 'utf8'));
	return verifyBundle({ bundle, trust, policy, artifact: await openArtifact(fileOrDigest), crypto: nodeCrypto });
}

async function openArtifact(fileOrDigest: string): Promise<Artifact> {
	const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(fileOrDigest) ?? [];
	if (hex && !existsSync(fileOrDigest)) return { digest: { algorithm: 'SHA2_256', value: fromHex(hex) } };
	return { bytes: await readFile(fileOrDigest) };
}

function parseBundleText(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new VerifyError('bundle-malformed', 'the bundle is malformed: it is not JSON', { cause });
	}
}

/** Evidence as the `--json` output has it. */
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
