/**
 * The signed tree head (RFC 6962 section 3.5): what this log says about its tree, signed over fifty bytes.
 *
 * It is stored as the checkpoint of static-ct-api, a note whose signature line holds the time and the DigitallySigned
 * structure (https://c2sp.org/static-ct-api). Both forms carry the same signature, so that one stored text proves what
 * was published and answers get-sth without calling the key again.
 */
import { concatBytes, utf8 } from '@chancery/core/bytes';
import { formatCheckpoint, parseCheckpoint } from '@chancery/core/checkpoint';
import { encodeDigitallySigned, treeHeadSignedData } from '@chancery/core/ct';
import { FormatError } from '@chancery/core/format-error';
import { formatNote, NOTE_RFC6962_TREE_HEAD, noteKeyHash, parseNote } from '@chancery/core/note';
import type { Signer } from '@chancery/keys/signer';
import { logIdOf } from './sct.ts';

export interface TreeHead {
	readonly size: number;
	/** 32 bytes. */
	readonly root: Uint8Array;
	readonly timestampMs: number;
}

export interface SignedTreeHeadParts extends TreeHead {
	/** DigitallySigned over the TreeHeadSignature of the head. */
	readonly digitallySigned: Uint8Array;
}

const TIMESTAMP_BYTES = 8;

/** Signs a head and answers its checkpoint: UTF-8 of a note with exactly one signature line. */
export async function signTreeHead(signer: Signer, origin: string, head: TreeHead): Promise<Uint8Array> {
	const signature = encodeDigitallySigned(await signer.sign(treeHeadSignedData(head)));
	const timestamp = new Uint8Array(TIMESTAMP_BYTES);
	new DataView(timestamp.buffer).setBigUint64(0, BigInt(head.timestampMs));
	const line = {
		name: origin,
		keyHash: noteKeyHash(origin, NOTE_RFC6962_TREE_HEAD, logIdOf(signer)).subarray(0, 4),
		signature: concatBytes(timestamp, signature),
	};
	return utf8(formatNote(formatCheckpoint({ origin, size: head.size, root: head.root }), [line]));
}

/**
 * Takes a checkpoint of this log apart again. It came from our own store and is not verified.
 * @throws {FormatError} when it is no such checkpoint
 */
export function parseTreeHead(note: Uint8Array): SignedTreeHeadParts {
	const { text, signatures } = parseNote(note);
	const { origin, size, root } = parseCheckpoint(text);
	const [line, ...others] = signatures;
	if (!line || others.length > 0 || line.name !== origin || line.signature.length <= TIMESTAMP_BYTES)
		throw new FormatError('tree head', 'not a checkpoint with one RFC 6962 signature');
	const { buffer, byteOffset } = line.signature;
	const timestampMs = Number(new DataView(buffer, byteOffset).getBigUint64(0));
	return { size, root, timestampMs, digitallySigned: line.signature.subarray(TIMESTAMP_BYTES) };
}
