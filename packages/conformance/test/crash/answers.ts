/** Reading an acknowledgement as a suspicious client does: nothing is believed that does not verify. */
import type { Reply } from './http-client.ts';
import type { Ledger } from './ledger.ts';
import { isIncluded, leafHashOf } from './naive-tree.ts';
import { precertificateLeaf } from './precertificates.ts';
import type { LogName, Proposal } from './proposals.ts';
import {
	checkSct,
	checkSet,
	type LogKeys,
	openCheckpoint,
	type SignedTree,
	type V1Entry,
	Violation,
} from './signed-trees.ts';

export const V1_ORIGIN = (treeId: string) => `log.test - ${treeId}`;
export const V2_ORIGIN = 'log2.test';

export interface Reader {
	readonly keys: LogKeys;
	readonly treeId: string;
	readonly ledgers: Readonly<Record<LogName, Ledger>>;
	/** Opens a checkpoint and remembers it; the same note is verified once. */
	tree(log: 'v1' | 'v2', note: string): SignedTree;
}

/** Notes that were verified lately; most answers of one publication carry the same. */
const KEPT_NOTES = 64;

export function createReader(keys: LogKeys, treeId: string, ledgers: Readonly<Record<LogName, Ledger>>): Reader {
	const opened = new Map<string, SignedTree>();
	return {
		keys,
		treeId,
		ledgers,
		tree(log, note) {
			const known = opened.get(note);
			if (known) return known;
			const tree = openCheckpoint(note, log === 'v1' ? V1_ORIGIN(treeId) : V2_ORIGIN, keys[log]);
			ledgers[log].sawTree(tree);
			opened.set(note, tree);
			for (const old of opened.keys()) {
				if (opened.size <= KEPT_NOTES) break;
				opened.delete(old);
			}
			return tree;
		},
	};
}

/** Verifies an answer to a write and enters it into the ledger. @throws {Violation} */
export function readAcknowledgement(reader: Reader, proposal: Proposal, reply: Reply, sentAtMs: number): void {
	const body = JSON.parse(reply.body.toString()) as never;
	const ledger = reader.ledgers[proposal.log];
	if (proposal.log === 'v1') {
		const [uuid, entry] = Object.entries(body as Record<string, V1Entry>)[0] ?? [];
		if (!uuid || !entry) throw new Violation('a v1 answer is empty');
		const { leafHash, leaf } = checkV1Entry(reader, uuid, entry);
		requireTrace(proposal, leaf);
		const { logIndex: index, integratedTime: time } = entry;
		ledger.acknowledge(
			proposal.trace,
			{ index, leafHash, time, receipt: entry.verification.signedEntryTimestamp },
			sentAtMs,
		);
	} else if (proposal.log === 'v2') {
		const { index, leafHash, leaf } = checkV2Entry(reader, body);
		requireTrace(proposal, leaf);
		ledger.acknowledge(proposal.trace, { index, leafHash, time: 0, receipt: '' }, sentAtMs);
	} else {
		const { timestamp, signature } = body as { timestamp: number; signature: string };
		if (!proposal.precertificate) throw new TypeError('a proposal for the CT log has no precertificate');
		const leaf = precertificateLeaf(proposal.precertificate, timestamp);
		checkSct(leaf, signature, reader.keys.ct);
		const leafHash = leafHashOf(leaf).toString('hex');
		ledger.acknowledge(proposal.trace, { index: undefined, leafHash, time: timestamp, receipt: signature }, sentAtMs);
	}
}

/** Checkpoint, proof, name and SET of an entry as the v1 wire answers it. @throws {Violation} */
export function checkV1Entry(reader: Reader, uuid: string, entry: V1Entry): { leafHash: string; leaf: Buffer } {
	const leaf = Buffer.from(entry.body, 'base64');
	const hash = leafHashOf(leaf);
	const leafHash = hash.toString('hex');
	const { checkpoint, hashes, logIndex, rootHash, treeSize } = entry.verification.inclusionProof;
	const tree = reader.tree('v1', checkpoint);
	if (tree.size !== treeSize || tree.root !== rootHash || logIndex !== entry.logIndex)
		throw new Violation(`v1: the proof of entry ${entry.logIndex} is not for its checkpoint`);
	const proof = hashes.map((text) => Buffer.from(text, 'hex'));
	const root = Buffer.from(tree.root, 'hex');
	if (!isIncluded({ index: logIndex, size: treeSize, leafHash: hash, root, proof }))
		throw new Violation(`v1: the proof of entry ${logIndex} in the tree of ${treeSize} does not verify`);
	if (uuid !== BigInt(reader.treeId).toString(16).padStart(16, '0') + leafHash)
		throw new Violation(`v1: entry ${logIndex} is called ${uuid} and has the leaf hash ${leafHash}`);
	checkSet(entry, reader.keys.v1);
	return { leafHash, leaf };
}

function checkV2Entry(reader: Reader, body: never): { index: number; leafHash: string; leaf: Buffer } {
	const entry = body as {
		logIndex: string;
		canonicalizedBody: string;
		inclusionProof: {
			logIndex: string;
			rootHash: string;
			treeSize: string;
			hashes: string[];
			checkpoint: { envelope: string };
		};
	};
	const { inclusionProof } = entry;
	const leaf = Buffer.from(entry.canonicalizedBody, 'base64');
	const hash = leafHashOf(leaf);
	const tree = reader.tree('v2', inclusionProof.checkpoint.envelope);
	const index = Number(entry.logIndex);
	const root = Buffer.from(tree.root, 'hex');
	const stated = Buffer.from(inclusionProof.rootHash, 'base64');
	if (
		!root.equals(stated) ||
		Number(inclusionProof.treeSize) !== tree.size ||
		Number(inclusionProof.logIndex) !== index
	)
		throw new Violation(`v2: the proof of entry ${index} is not for its checkpoint`);
	const proof = inclusionProof.hashes.map((text) => Buffer.from(text, 'base64'));
	if (!isIncluded({ index, size: tree.size, leafHash: hash, root, proof }))
		throw new Violation(`v2: the proof of entry ${index} in the tree of ${tree.size} does not verify`);
	return { index, leafHash: hash.toString('hex'), leaf };
}

function requireTrace(proposal: Proposal, leaf: Buffer): void {
	if (!leaf.includes(proposal.trace)) throw new Violation(`${proposal.wire}: the answer is about another entry`);
}
