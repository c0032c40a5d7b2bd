/**
 * The judge's reading of what the three logs sign, verified with node:crypto alone.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** A tree that a log has vouched for. `root` is hex. */
export interface SignedTree {
	readonly size: number;
	readonly root: string;
}

export interface LogKeys {
	readonly v1: KeyObject;
	readonly v2: KeyObject;
	readonly ct: KeyObject;
}

/** A signature, a proof or a statement of a log is not what it must be. */
export class Violation extends Error {
	override readonly name = 'Violation';
}

export function publicKeyOf(spki: Uint8Array): KeyObject {
	return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

export function spkiOf(key: KeyObject): Buffer {
	return key.export({ format: 'der', type: 'spki' });
}

const NOTE = /^((?:[^\n]+\n)+)\n\u2014 (\S+) ([A-Za-z0-9+/=]+)\n$/;
const HINT_BYTES = 4;

/** Opens a checkpoint (C2SP signed-note and tlog-checkpoint) with exactly one signature line. @throws {Violation} */
export function openCheckpoint(note: string, origin: string, key: KeyObject): SignedTree {
	const [, text, , base64] = NOTE.exec(note) ?? [];
	if (!text || !base64) throw new Violation(`not a note with one signature: ${JSON.stringify(note)}`);
	const [first, size, root, ...rest] = text.slice(0, -1).split('\n');
	if (first !== origin || rest.length > 0 || !/^(0|[1-9]\d*)$/.test(size ?? ''))
		throw new Violation(`not a checkpoint of ${origin}: ${JSON.stringify(text)}`);
	const signature = Buffer.from(base64, 'base64').subarray(HINT_BYTES);
	const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
	if (!verify(algorithm, Buffer.from(text), key, signature))
		throw new Violation(`the signature of a checkpoint of ${origin} does not verify`);
	return { size: Number(size), root: Buffer.from(root ?? '', 'base64').toString('hex') };
}

/** The vkey that Go's tools read: name, key id, and the key behind its algorithm byte 1. */
export function verifierKeyOf(name: string, key: KeyObject): string {
	const raw = spkiOf(key).subarray(-32);
	const typed = Buffer.concat([Uint8Array.of(1), raw]);
	const id = createHash('sha256')
		.update(`${name}\n`)
		.update(typed)
		.digest('hex')
		.slice(0, 2 * HINT_BYTES);
	return `${name}+${id}+${typed.toString('base64')}`;
}

/** DigitallySigned of TLS 1.2 with SHA-256 and ECDSA: the DER signature in it. @throws {Violation} */
function ecdsaOf(digitallySigned: Buffer): Buffer {
	if (digitallySigned.readUInt16BE(0) !== 0x0403 || digitallySigned.readUInt16BE(2) !== digitallySigned.length - 4)
		throw new Violation('not a DigitallySigned with SHA-256 and ECDSA');
	return digitallySigned.subarray(4);
}

/** A get-sth answer (RFC 6962 section 4.3). @throws {Violation} */
export function openTreeHead(body: unknown, key: KeyObject): SignedTree & { readonly timestampMs: number } {
	const head = body as {
		tree_size: number;
		timestamp: number;
		sha256_root_hash: string;
		tree_head_signature: string;
	};
	const root = Buffer.from(head.sha256_root_hash, 'base64');
	const signed = Buffer.alloc(18);
	signed.writeUInt8(1, 1);
	signed.writeBigUInt64BE(BigInt(head.timestamp), 2);
	signed.writeBigUInt64BE(BigInt(head.tree_size), 10);
	const signature = ecdsaOf(Buffer.from(head.tree_head_signature, 'base64'));
	if (!verify('sha256', Buffer.concat([signed, root]), key, signature))
		throw new Violation('the signature of a tree head does not verify');
	return { size: head.tree_size, root: root.toString('hex'), timestampMs: head.timestamp };
}

/** An add-pre-chain answer verified over the leaf that it promises (RFC 6962 section 3.2). @throws {Violation} */
export function checkSct(leaf: Buffer, digitallySigned: string, key: KeyObject): void {
	if (!verify('sha256', leaf, key, ecdsaOf(Buffer.from(digitallySigned, 'base64'))))
		throw new Violation('the signature of an SCT does not verify');
}

export interface V1Entry {
	readonly body: string;
	readonly integratedTime: number;
	readonly logID: string;
	readonly logIndex: number;
	readonly verification: {
		readonly signedEntryTimestamp: string;
		readonly inclusionProof: {
			readonly checkpoint: string;
			readonly hashes: readonly string[];
			readonly logIndex: number;
			readonly rootHash: string;
			readonly treeSize: number;
		};
	};
}

/** The SET of a v1 entry, over canonical JSON of four members. @throws {Violation} */
export function checkSet(entry: V1Entry, key: KeyObject): void {
	const { body, integratedTime, logID, logIndex } = entry;
	const signed = JSON.stringify({ body, integratedTime, logID, logIndex });
	const signature = Buffer.from(entry.verification.signedEntryTimestamp, 'base64');
	if (!verify('sha256', Buffer.from(signed), key, signature))
		throw new Violation(`the SET of entry ${logIndex} does not verify`);
}
