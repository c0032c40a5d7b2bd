/**
 * Parses checkpoints (https://c2sp.org/tlog-checkpoint over https://c2sp.org/signed-note). Written again, so that it shares no code
 * with the servers.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { HexHash } from './merkle.ts';

/** A log as a client trusts it. */
export interface TrustedLog {
	/** First line of its checkpoints. */
	readonly origin: string;
	/** Name in the signature line. */
	readonly name: string;
	/** DER of the SubjectPublicKeyInfo, ECDSA P-256 or Ed25519. */
	readonly publicKey: Uint8Array;
}

export interface TreeHead {
	readonly size: number;
	readonly root: HexHash;
}

export interface LogKey extends TrustedLog {
	readonly key: KeyObject;
	/** SHA-256 of the SPKI for ECDSA, of name and raw key for Ed25519. */
	readonly keyHash: Buffer;
}

/** Length of the DER in front of a raw Ed25519 key. */
const ED25519_PREFIX = 12;

export function logKey(log: TrustedLog): LogKey {
	const key = createPublicKey({ key: Buffer.from(log.publicKey), format: 'der', type: 'spki' });
	const keyHash =
		key.asymmetricKeyType === 'ed25519'
			? sha256(Buffer.from(`${log.name}\n\x01`), log.publicKey.subarray(ED25519_PREFIX))
			: sha256(log.publicKey);
	return { ...log, key, keyHash };
}

/** The tree head in a note that the log has signed. Returns a complaint when it has not. */
export function openCheckpoint(log: LogKey, note: string): TreeHead | string {
	const split = note.lastIndexOf('\n\n');
	const text = note.slice(0, split + 1);
	const [origin, size = '', root = ''] = text.split('\n');
	if (origin !== log.origin) return `the checkpoint has origin '${origin}', expected '${log.origin}'`;
	if (!/^(0|[1-9][0-9]*)$/.test(size)) return `the checkpoint has size '${size}'`;
	const ours = note
		.slice(split + 2)
		.split('\n')
		.map((line) => line.split(' '))
		.filter(([dash, name, value = '']) => {
			const keyHash = Buffer.from(value, 'base64').subarray(0, 4);
			return dash === '\u2014' && name === log.name && keyHash.equals(log.keyHash.subarray(0, 4));
		});
	if (ours.length !== 1) return `the checkpoint has ${ours.length} signatures of ${log.name}`;
	const signature = Buffer.from(ours[0]?.[2] ?? '', 'base64').subarray(4);
	const algorithm = log.key.asymmetricKeyType === 'ed25519' ? null : 'sha256';
	if (!verify(algorithm, Buffer.from(text), log.key, signature)) return 'the signature of the checkpoint is wrong';
	return { size: Number(size), root: Buffer.from(root, 'base64').toString('hex') };
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
	const hash = createHash('sha256');
	for (const part of parts) hash.update(part);
	return hash.digest();
}
