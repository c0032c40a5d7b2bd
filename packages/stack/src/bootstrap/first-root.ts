/**
 * The first root of trust, signed by the one keyholder that `chancery init` plays. Clients are given its SHA-256. Whoever
 * follows it (several holders, other keys) is named by a later root that this one's key signs, so no client has to be told
 * anything again (TUF 1.0.34 section 5.3).
 */
import type { Signer } from '@chancery/keys/signer';
import { buildRoot } from '@chancery/tuf/metadata/metadata';
import { encodeMetadata, signMetadata } from '@chancery/tuf/metadata/signed-metadata';
import { identifyKey } from '@chancery/tuf/metadata/tuf-keys';

const DAY_MS = 86_400_000;

export interface FirstRootInput {
	readonly root: Signer;
	readonly targets: Signer;
	/** The online keys of the TUF service. */
	readonly snapshot: Signer;
	readonly timestamp: Signer;
	readonly nowMs: number;
	readonly validForDays: number;
}

/** Returns `1.root.json`, byte for byte as it is published. */
export async function signFirstRoot(input: FirstRootInput): Promise<Uint8Array> {
	const role = (signer: Signer) => ({ keys: [identifyKey(signer.publicKey)], threshold: 1 });
	const root = buildRoot({
		version: 1,
		expires: new Date(input.nowMs + input.validForDays * DAY_MS),
		roles: {
			root: role(input.root),
			targets: role(input.targets),
			snapshot: role(input.snapshot),
			timestamp: role(input.timestamp),
		},
	});
	return encodeMetadata(await signMetadata(root, [input.root]), 'root');
}
