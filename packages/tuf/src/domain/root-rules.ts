/**
 * What a root must fulfil in addition to its schema. A root that breaks one of these rules could be published, and would then
 * lock out clients, or this server itself, until the keyholders meet again.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { FormatError } from '@chancery/core/format-error';
import { ROLES, type RootMetadata, type TufKey } from '../metadata/metadata.ts';
import { identifyKey, publicKeyOf } from '../metadata/tuf-keys.ts';

/** DER SubjectPublicKeyInfo of the keys that this server signs with. */
export interface OnlineKeys {
	readonly snapshot: Uint8Array;
	readonly timestamp: Uint8Array;
}

/** @throws {DomainError} `invalid-metadata`, `unsupported-key` */
export function checkRoot(root: RootMetadata, online: OnlineKeys): void {
	for (const [keyId, key] of Object.entries(root.keys)) checkKey(keyId, key);
	for (const role of ROLES) {
		const { keyids, threshold } = root.roles[role];
		if (new Set(keyids).size !== keyids.length) throw invalid(`the role ${role} names a key twice`);
		for (const keyId of keyids)
			if (!Object.hasOwn(root.keys, keyId))
				throw invalid(`the role ${role} names the key ${keyId}, which is not there`);
		if (threshold > keyids.length)
			throw invalid(`the role ${role} needs ${threshold} signatures and has ${keyids.length} keys`);
	}
	for (const role of ['snapshot', 'timestamp'] as const) {
		const { keyids, threshold } = root.roles[role];
		if (!keyids.includes(identifyKey(online[role]).keyId))
			throw invalid(`the root does not name this server's ${role} key, so that nothing could follow`);
		if (threshold !== 1)
			throw invalid(`the role ${role} needs ${threshold} signatures, and this server makes one: nothing could follow`);
	}
}

/**
 * The id must be the hash of the key in its canonical form. Some clients check it. A key with two possible forms would have two
 * ids, and its holder two votes.
 */
function checkKey(keyId: string, key: TufKey): void {
	let identified: string;
	try {
		identified = identifyKey(publicKeyOf(key)).keyId;
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw invalid(`the key ${keyId} is malformed: ${cause.message}`, cause);
	}
	if (identified !== keyId) throw invalid(`the key ${keyId} has the id ${identified} in its canonical form`);
}

function invalid(detail: string, cause?: unknown): DomainError {
	return new DomainError('invalid-metadata', detail, { cause });
}
