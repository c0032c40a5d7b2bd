/**
 * What the logs of an instance sign at one moment, and whether what they sign later continues it. Judged without any code
 * of the engine.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isConsistent, isIncluded, leafHashOf, NaiveTree } from '../crash/naive-tree.ts';
import {
	checkSet,
	type LogKeys,
	openCheckpoint,
	openTreeHead,
	type SignedTree,
	type V1Entry,
	Violation,
} from '../crash/signed-trees.ts';
import { parseEntryBundle, tilePathOf } from '../crash/tile-layout.ts';
import type { Reader } from './reader.ts';

export const LOGS = ['v1', 'v2', 'ct'] as const;
export type Log = (typeof LOGS)[number];

export type Heads = Readonly<Record<Log, SignedTree>>;

const WIDTH = 256;

/**
 * Keys of the logs, from the trusted root that clients have. The v1 log is the one whose key is not Ed25519.
 * @param path of `trusted_root.json`
 */
export async function readLogKeys(path: string): Promise<LogKeys> {
	interface LogInstance {
		readonly publicKey: { readonly rawBytes: string };
	}
	const { tlogs, ctlogs } = JSON.parse(await readFile(path, 'utf8')) as Record<'tlogs' | 'ctlogs', LogInstance[]>;
	const open = ({ publicKey }: LogInstance) =>
		createPublicKey({ key: Buffer.from(publicKey.rawBytes, 'base64'), format: 'der', type: 'spki' });
	const isV2 = (key: KeyObject) => key.asymmetricKeyType === 'ed25519';
	const [ct, ...otherCt] = ctlogs.map(open);
	const keys = tlogs.map(open);
	const [v2, ...otherV2] = keys.filter(isV2);
	const [v1, ...otherV1] = keys.filter((key) => !isV2(key));
	if (!ct || !v1 || !v2 || otherCt.length + otherV1.length + otherV2.length > 0)
		throw new Error(`${path} does not name one log of each wire`);
	return { v1, v2, ct };
}

/** The newest heads, verified. @throws {Violation} */
export async function readHeads(reader: Reader, keys: LogKeys): Promise<Heads> {
	const info = await reader.json<{ treeSize: number; rootHash: string; signedTreeHead: string }>('log', '/api/v1/log');
	const v1 = openNote(info.signedTreeHead, keys.v1);
	if (v1.size !== info.treeSize || v1.root !== info.rootHash)
		throw new Violation('the v1 log speaks of another tree than its checkpoint');
	const v2 = openNote(await reader.text('log2', '/api/v2/checkpoint'), keys.v2);
	const { size, root } = openTreeHead(await reader.json('ctlog', '/ct/v1/get-sth'), keys.ct);
	return { v1, v2, ct: { size, root } };
}

/** Proves, by what the logs answer now, that the later trees continue the earlier ones. @throws {Violation} */
export async function checkGrowth(reader: Reader, before: Heads, now: Heads): Promise<void> {
	const v1 = await reader.json<{ hashes: string[] }>(
		'log',
		`/api/v1/log/proof?firstSize=${before.v1.size}&lastSize=${now.v1.size}`,
	);
	requireConsistent(
		'v1',
		before,
		now,
		v1.hashes.map((hash) => Buffer.from(hash, 'hex')),
	);
	const ct = await reader.json<{ consistency: string[] }>(
		'ctlog',
		`/ct/v1/get-sth-consistency?first=${before.ct.size}&second=${now.ct.size}`,
	);
	requireConsistent(
		'ct',
		before,
		now,
		ct.consistency.map((hash) => Buffer.from(hash, 'base64')),
	);
	// The v2 wire has no proofs: clients hash the entries.
	const tree = new NaiveTree();
	for (let index = 0; tree.size < now.v2.size; index++) {
		const bundle = await reader.bytes('log2', `/api/v2/${tilePathOf('entries', index, now.v2.size)}`);
		for (const entry of parseEntryBundle(bundle)) tree.append(leafHashOf(entry));
		if (tree.size !== Math.min((index + 1) * WIDTH, now.v2.size)) throw new Violation(`v2: bundle ${index} is short`);
	}
	for (const { size, root } of [before.v2, now.v2])
		if (tree.rootAt(size).toString('hex') !== root) throw new Violation(`v2: the entries make another root at ${size}`);
}

/** Checkpoint, proof and SET of each entry in an answer of the v1 log. @throws {Violation} */
export function checkV1Answer(text: string, key: KeyObject): void {
	for (const [uuid, entry] of Object.entries(JSON.parse(text) as Record<string, V1Entry>)) {
		const { checkpoint, hashes, rootHash, logIndex: index, treeSize: size } = entry.verification.inclusionProof;
		const tree = openNote(checkpoint, key);
		const leafHash = leafHashOf(Buffer.from(entry.body, 'base64'));
		const proof = hashes.map((hash) => Buffer.from(hash, 'hex'));
		const claim = { index, size, leafHash, root: Buffer.from(tree.root, 'hex'), proof };
		if (tree.size !== size || tree.root !== rootHash || index !== entry.logIndex || !isIncluded(claim))
			throw new Violation(`v1: the proof of entry ${entry.logIndex} does not verify`);
		if (!uuid.endsWith(leafHash.toString('hex'))) throw new Violation(`v1: entry ${index} is called ${uuid}`);
		checkSet(entry, key);
	}
}

/** Checkpoint and proof of an entry of the v2 log. @throws {Violation} */
export function checkV2Answer(text: string, key: KeyObject): void {
	const { logIndex, canonicalizedBody, inclusionProof } = JSON.parse(text);
	const tree = openNote(inclusionProof.checkpoint.envelope, key);
	const index = Number(logIndex);
	const leafHash = leafHashOf(Buffer.from(canonicalizedBody, 'base64'));
	const proof = inclusionProof.hashes.map((hash: string) => Buffer.from(hash, 'base64'));
	const claim = { index, size: tree.size, leafHash, root: Buffer.from(tree.root, 'hex'), proof };
	if (Number(inclusionProof.treeSize) !== tree.size || Number(inclusionProof.logIndex) !== index || !isIncluded(claim))
		throw new Violation(`v2: the proof of entry ${index} does not verify`);
}

/** The first line says whose it is; that it stays the same is compared with the bytes of old answers. */
function openNote(note: string, key: KeyObject): SignedTree {
	return openCheckpoint(note, note.slice(0, note.indexOf('\n')), key);
}

function requireConsistent(log: Log, before: Heads, now: Heads, proof: readonly Buffer[]): void {
	const [first, second] = [before[log], now[log]];
	const firstRoot = Buffer.from(first.root, 'hex');
	const secondRoot = Buffer.from(second.root, 'hex');
	if (!isConsistent({ first: first.size, second: second.size, firstRoot, secondRoot, proof }))
		throw new Violation(`${log}: the tree of ${second.size} entries does not continue the one of ${first.size}`);
}
