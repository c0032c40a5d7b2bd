/** Whether the online keys of the TUF service are still those that the first root of trust names. */
import type { Signer } from '@chancery/keys/signer';
import { parseMetadata } from '@chancery/tuf/metadata/signed-metadata';
import { identifyKey } from '@chancery/tuf/metadata/tuf-keys';
import { Refusal } from '../../instance/refusal.ts';

/** @throws {Refusal} naming the role whose key is another one */
export function refuseOtherKeys(root: Uint8Array, signers: Readonly<Record<'snapshot' | 'timestamp', Signer>>): void {
	const { roles } = parseMetadata(root, 'root').signed;
	for (const role of ['snapshot', 'timestamp'] as const)
		if (!roles[role].keyids.includes(identifyKey(signers[role].publicKey).keyId))
			throw new Refusal(
				`the key tuf.${role} is another than the one that the first root of trust names. Give that one again`,
			);
}
