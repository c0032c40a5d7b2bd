/**
 * The checkpoints of the two logs, as signed notes (https://c2sp.org/signed-note).
 *
 *     v1   origin `<hostname> - <treeID>`, one signature line named `<hostname>`, key hash SHA-256(SPKI), ECDSA
 *     v2   origin and name `<hostname>`, Ed25519 key hash over name and key
 *
 * v1 readers refuse a note with a line by any other key, so nobody else ever signs that note.
 */

import { utf8 } from '@chancery/core/bytes';
import { ChanceryError } from '@chancery/core/chancery-error';
import { formatCheckpoint } from '@chancery/core/checkpoint';
import { ecdsaKeyHash, ed25519KeyHash, formatNote } from '@chancery/core/note';
import { parseSpki } from '@chancery/core/spki';
import type { Signer } from '@chancery/keys/signer';
import type { LogKey } from '@chancery/tlog/service-log';

/** As whom a log signs; without a signer, as whom it would. */
export interface LogStatement<Key extends LogKey = Signer> {
	/** First line of every checkpoint. */
	readonly origin: string;
	/** Name of the signature line. */
	readonly signerName: string;
	/** Full 32-byte hash of the key; its first four bytes stand in the signature line. */
	readonly keyHash: Uint8Array;
	readonly signer: Key;
}

/** The key has not the algorithm that clients verify on its wire. */
export class LogKeyError extends ChanceryError<'log-key-unsuitable'> {
	constructor(message: string, options?: ErrorOptions) {
		super('log-key-unsuitable', message, options);
	}
}

export interface TreeHead {
	readonly size: number;
	readonly root: Uint8Array;
}

/** @throws {LogKeyError} when the key is not ECDSA P-256: clients verify nothing else on this wire */
export function statementV1<Key extends LogKey>(hostname: string, treeId: string, signer: Key): LogStatement<Key> {
	if (signer.algorithm !== 'ecdsa-sha2-256-nistp256')
		throw new LogKeyError(`the v1 log needs an ECDSA P-256 key and was given ${signer.algorithm}`);
	return {
		origin: `${hostname} - ${treeId}`,
		signerName: hostname,
		keyHash: ecdsaKeyHash(signer.publicKey),
		signer,
	};
}

/** @throws {LogKeyError} when the key is not Ed25519: tile readers and witnesses expect nothing else */
export function statementV2<Key extends LogKey>(origin: string, signer: Key): LogStatement<Key> {
	const { ed25519 } = parseSpki(signer.publicKey);
	if (signer.algorithm !== 'ed25519' || ed25519 === undefined)
		throw new LogKeyError(`the v2 log needs an Ed25519 key and was given ${signer.algorithm}`);
	return { origin, signerName: origin, keyHash: ed25519KeyHash(origin, ed25519), signer };
}

/** Signs a tree head. The note is UTF-8. */
export async function signCheckpoint(statement: LogStatement, { size, root }: TreeHead): Promise<Uint8Array> {
	const text = formatCheckpoint({ origin: statement.origin, size, root });
	const signature = await statement.signer.sign(utf8(text));
	return utf8(formatNote(text, [{ name: statement.signerName, keyHash: statement.keyHash.slice(0, 4), signature }]));
}
