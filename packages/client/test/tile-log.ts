/**
 * A complete tile log in memory, made for tests from the definitions of RFC 6962 section 2.1 and of c2sp.org/tlog-tiles with
 * node:crypto, so that it shares no code with the audit.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export const ORIGIN = 'log.example/audited';

const keys = generateKeyPairSync('ed25519');
const ecdsa = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const sha256 = (...parts: Uint8Array[]): Buffer => {
	const hash = createHash('sha256');
	for (const part of parts) hash.update(part);
	return hash.digest();
};
const spkiOf = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

export const PEM = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
export const ECDSA_PEM = ecdsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();

const rawKey = spkiOf(keys.publicKey).subarray(-32);
const ED25519 = Uint8Array.of(1);
const keyHash = sha256(Buffer.from(`${ORIGIN}\n`), ED25519, rawKey).subarray(0, 4);
export const VKEY = `${ORIGIN}+${keyHash.toString('hex')}+${Buffer.concat([ED25519, rawKey]).toString('base64')}`;

export type Objects = Map<string, Uint8Array>;

export function spelled(index: number): string {
	const digits = String(index).padStart(6, '0');
	return index < 1000 ? digits.slice(3) : `x${digits.slice(0, 3)}/${digits.slice(3)}`;
}

export function checkpointText(size: number, root: Uint8Array, origin = ORIGIN): string {
	return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`;
}

export function ed25519Note(text: string): Uint8Array {
	const signature = Buffer.concat([keyHash, sign(null, Buffer.from(text), keys.privateKey)]);
	return Buffer.from(`${text}\n\u2014 ${ORIGIN} ${signature.toString('base64')}\n`);
}

/** Signs as the v1 wire does: the name is the first part of the origin, the key hash is that of the SPKI. */
export function ecdsaNote(text: string, name: string): Uint8Array {
	const hash = sha256(spkiOf(ecdsa.publicKey)).subarray(0, 4);
	const signature = Buffer.concat([hash, sign('sha256', Buffer.from(text), ecdsa.privateKey)]);
	return Buffer.from(`${text}\n\u2014 ${name} ${signature.toString('base64')}\n`);
}

/** Signs as static-ct-api does: RFC 6962 section 3.5 in a signature line. */
export function treeHeadNote(size: number, root: Uint8Array, timestampMs: number): Uint8Array {
	const time = Buffer.alloc(8);
	time.writeBigUInt64BE(BigInt(timestampMs));
	const length = Buffer.alloc(8);
	length.writeBigUInt64BE(BigInt(size));
	const signed = Buffer.concat([Uint8Array.of(0, 1), time, length, root]);
	const der = sign('sha256', signed, ecdsa.privateKey);
	const hash = sha256(Buffer.from(`${ORIGIN}\n`), Uint8Array.of(5), sha256(spkiOf(ecdsa.publicKey))).subarray(0, 4);
	const line = Buffer.concat([hash, time, Uint8Array.of(4, 3, der.length >> 8, der.length & 255), der]);
	return Buffer.from(`${checkpointText(size, root)}\n\u2014 ${ORIGIN} ${line.toString('base64')}\n`);
}

export const leafHashOf = (leaf: Uint8Array): Buffer => sha256(Uint8Array.of(0), leaf);

/** The root over leaf hashes, by the definition. */
export function rootOf(hashes: readonly Uint8Array[]): Buffer {
	if (hashes.length === 0) return sha256();
	if (hashes.length === 1) return Buffer.from(hashes[0]!);
	let split = 1;
	while (split * 2 < hashes.length) split *= 2;
	return sha256(Uint8Array.of(1), rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)));
}

export function bundleOf(leaves: readonly Uint8Array[]): Uint8Array {
	return Buffer.concat(leaves.flatMap((leaf) => [Uint8Array.of(leaf.length >> 8, leaf.length & 255), leaf]));
}

/** All resources of a log with these leaves; `bundle` writes up to 256 of them. */
export function tileLog(leaves: readonly Uint8Array[], bundle = bundleOf, folder = 'entries'): Objects {
	const objects: Objects = new Map();
	const size = leaves.length;
	const put = (prefix: string, index: number, width: number, bytes: Uint8Array) =>
		objects.set(`${prefix}/${spelled(index)}${width < 256 ? `.p/${width}` : ''}`, bytes);
	for (let begin = 0; begin < size; begin += 256) {
		const part = leaves.slice(begin, begin + 256);
		put(`tile/${folder}`, begin / 256, part.length, bundle(part));
	}
	let hashes: Uint8Array[] = leaves.map(leafHashOf);
	const root = rootOf(hashes);
	for (let level = 0; hashes.length > 0; level++) {
		const above: Uint8Array[] = [];
		for (let begin = 0; begin < hashes.length; begin += 256) {
			const part = hashes.slice(begin, begin + 256);
			put(`tile/${level}`, begin / 256, part.length, Buffer.concat(part));
			if (part.length === 256) above.push(rootOf(part));
		}
		hashes = above;
	}
	objects.set('checkpoint', ed25519Note(checkpointText(size, root)));
	return objects;
}

export function textLeaves(count: number): Uint8Array[] {
	return Array.from({ length: count }, (_, i) => Buffer.from(`entry ${i}`));
}
