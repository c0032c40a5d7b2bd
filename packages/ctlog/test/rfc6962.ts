/** The structures of RFC 6962 written a second time, from the text of the RFC and nothing else, to judge the log by. */
import { createHash, createPublicKey, verify } from 'node:crypto';

const u = (bytes: number, value: number | bigint): Buffer => {
	const out = Buffer.alloc(8);
	out.writeBigUInt64BE(BigInt(value));
	return out.subarray(8 - bytes);
};

export type Entry =
	| { readonly certificate: Uint8Array }
	| { readonly issuerPublicKey: Uint8Array; readonly tbs: Uint8Array };

/** Section 3.4: version, leaf type, timestamp, entry, empty extensions. */
export function leafBytes(timestampMs: number, entry: Entry): Buffer {
	const signed =
		'certificate' in entry
			? [u(2, 0), u(3, entry.certificate.length), entry.certificate]
			: [u(2, 1), createHash('sha256').update(entry.issuerPublicKey).digest(), u(3, entry.tbs.length), entry.tbs];
	return Buffer.concat([u(1, 0), u(1, 0), u(8, timestampMs), ...signed, u(2, 0)]);
}

/** Section 3.5. */
export function treeHeadBytes(timestampMs: number, size: number, root: Uint8Array): Buffer {
	return Buffer.concat([u(1, 0), u(1, 1), u(8, timestampMs), u(8, size), root]);
}

/** A DigitallySigned over `message`: SHA-256 (4), ECDSA (3), two length bytes, DER signature. */
export function checkDigitallySigned(spki: Uint8Array, message: Uint8Array, base64: string): boolean {
	const bytes = Buffer.from(base64, 'base64');
	if (bytes[0] !== 4 || bytes[1] !== 3 || bytes.readUInt16BE(2) !== bytes.length - 4) return false;
	const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
	return verify('sha256', message, { key, dsaEncoding: 'der' }, bytes.subarray(4));
}

export const hashLeaf = (leaf: Uint8Array): Buffer => createHash('sha256').update(u(1, 0)).update(leaf).digest();
const hashNode = (left: Uint8Array, right: Uint8Array): Buffer =>
	createHash('sha256').update(u(1, 1)).update(left).update(right).digest();

/** Section 2.1, the definition by recursion. */
export function rootOf(leafHashes: readonly Uint8Array[]): Buffer {
	const [only] = leafHashes;
	if (only === undefined) return createHash('sha256').digest();
	if (leafHashes.length === 1) return Buffer.from(only);
	let split = 1;
	while (split * 2 < leafHashes.length) split *= 2;
	return hashNode(rootOf(leafHashes.slice(0, split)), rootOf(leafHashes.slice(split)));
}

/** Section 2.1.1: the audit path, by the definition. */
export function pathOf(index: number, leafHashes: readonly Uint8Array[]): Buffer[] {
	if (leafHashes.length <= 1) return [];
	let split = 1;
	while (split * 2 < leafHashes.length) split *= 2;
	return index < split
		? [...pathOf(index, leafHashes.slice(0, split)), rootOf(leafHashes.slice(split))]
		: [...pathOf(index - split, leafHashes.slice(split)), rootOf(leafHashes.slice(0, split))];
}

/** Section 2.1.2: PROOF(m, D[n]), by the definition. */
export function consistencyOf(first: number, leafHashes: readonly Uint8Array[]): Buffer[] {
	return first === 0 ? [] : subproof(first, leafHashes, true);
}

function subproof(m: number, hashes: readonly Uint8Array[], complete: boolean): Buffer[] {
	if (m === hashes.length) return complete ? [] : [rootOf(hashes)];
	let split = 1;
	while (split * 2 < hashes.length) split *= 2;
	return m <= split
		? [...subproof(m, hashes.slice(0, split), complete), rootOf(hashes.slice(split))]
		: [...subproof(m - split, hashes.slice(split), false), rootOf(hashes.slice(0, split))];
}
