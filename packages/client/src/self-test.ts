/**
 * Proves from outside that an instance works: trust through TUF, then a file that is signed and verified over every wire, and
 * a bundle that is refused after one byte of the file changed.
 */

import { verifyBundle } from '@chancery/verify/verify-bundle';
import { VerifyError } from '@chancery/verify/verify-error';
import { ClientError } from './client-error.ts';
import { nodeCrypto } from './node-crypto.ts';
import { attestBlob, inTotoStatement, type SignedBundle, type SigningDeps, signBlob } from './sign.ts';
import { fetchTrust, type TufSource, type TufTrust } from './tuf-client.ts';

export interface SelfTestDeps extends Pick<SigningDeps, 'fetch' | 'clock' | 'random'> {
	readonly tuf: TufSource;
	/** A token whose certificate will name `email` (undefined: whatever the CA makes of it), issued by `issuer`. */
	readonly identityToken: string;
	readonly email: string | undefined;
	readonly issuer: string;
	/** The file to sign. */
	readonly artifact: { readonly name: string; readonly bytes: Uint8Array };
	readonly onStep: (message: string) => void;
}

/** @throws {ClientError | VerifyError} naming the step that failed */
export async function selfTest(deps: SelfTestDeps): Promise<TufTrust> {
	const trust = await fetchTrust(deps.tuf);
	deps.onStep('trusted root and signing configuration fetched through TUF');
	const signing = { ...deps, signingConfig: trust.signingConfig, trust: trust.trust };
	const { bytes, name } = deps.artifact;
	const statement = inTotoStatement({
		name,
		artifact: { bytes },
		predicateType: 'https://chancery.example/self-test/v1',
		predicate: {},
	});

	const versions = new Set(trust.signingConfig.rekorTlogUrls.map(({ majorApiVersion }) => majorApiVersion));
	for (const version of [1, 2] as const) {
		if (!versions.has(version)) continue;
		const over = { ...signing, logApiVersions: [version] };
		await check(deps, trust, await signBlob({ bytes }, over));
		await check(deps, trust, await attestBlob({ bytes }, statement, over));
		deps.onStep(`${name} signed and verified, and an attestation about it, with the v${version} log`);
	}
	return trust;
}

async function check(deps: SelfTestDeps, { trust }: TufTrust, { bundle }: SignedBundle): Promise<void> {
	const subject = deps.email === undefined ? { matching: /.+/s } : { exactly: deps.email };
	const policy = { kind: 'identities', anyOf: [{ subject, issuer: { exactly: deps.issuer } }] } as const;
	const request = { bundle: JSON.parse(JSON.stringify(bundle)), trust, policy, crypto: nodeCrypto };
	await verifyBundle({ ...request, artifact: { bytes: deps.artifact.bytes } });
	const tampered = Uint8Array.from(deps.artifact.bytes);
	tampered[0] = (tampered[0] ?? 0) ^ 1;
	const refused = await verifyBundle({ ...request, artifact: { bytes: tampered } }).then(
		() => false,
		(error: unknown) => error instanceof VerifyError && error.code === 'artifact-mismatch',
	);
	if (!refused) throw new ClientError('answer-malformed', 'a file with one changed byte was not refused');
}
