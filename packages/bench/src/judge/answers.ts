/**
 * Checks that an answer proves what it claims: the leaf is the submitted one, its proof leads to the root of a checkpoint, the log
 * has signed that checkpoint and, on the v1 wire, also the SET.
 */
import { createHash, verify } from 'node:crypto';
import type { PreparedEntry } from '../load/log-entries.ts';
import type { LogWire } from '../load/workloads.ts';
import { type LogKey, openCheckpoint, type TreeHead } from './checkpoint.ts';
import { leafHash, rootFromInclusion } from './merkle.ts';

export interface JudgedAnswer {
	readonly index: number;
	readonly leaf: Buffer;
	readonly head: TreeHead;
}

/** The members that both wires have, under the names of this file. */
interface Claims {
	readonly leaf: Buffer;
	readonly index: number;
	readonly proofIndex: number;
	readonly size: number;
	readonly root: string;
	readonly proof: readonly Buffer[];
	readonly note: string;
}

interface V1Content {
	readonly body: string;
	readonly integratedTime: number;
	readonly logID: string;
	readonly logIndex: number;
	readonly verification: {
		readonly inclusionProof: {
			readonly checkpoint: string;
			readonly hashes: readonly string[];
			readonly logIndex: number;
			readonly rootHash: string;
			readonly treeSize: number;
		};
		readonly signedEntryTimestamp: string;
	};
}

interface V2Entry {
	readonly logIndex: string;
	readonly inclusionProof: {
		readonly logIndex: string;
		readonly rootHash: string;
		readonly treeSize: string;
		readonly hashes?: readonly string[];
		readonly checkpoint: { readonly envelope: string };
	};
	readonly canonicalizedBody: string;
}

/** Many answers share a checkpoint; each is verified once. */
export class AnswerJudge {
	readonly #log: LogKey;
	readonly #wire: LogWire;
	readonly #heads = new Map<string, TreeHead | string>();

	constructor(wire: LogWire, log: LogKey) {
		this.#wire = wire;
		this.#log = log;
	}

	/** Returns what the answer proves, or what is wrong with it. */
	judge(entry: Pick<PreparedEntry, 'leaf'>, body: Buffer): JudgedAnswer | string {
		try {
			const answer: unknown = JSON.parse(body.toString());
			return this.#wire === 'v1'
				? this.#judgeV1(entry, answer as Record<string, V1Content>)
				: this.#judgeClaims(entry, claimsOfV2(answer as V2Entry));
		} catch (error) {
			return `the answer cannot be read: ${error instanceof Error ? error.message : String(error)}`;
		}
	}

	#judgeV1(entry: Pick<PreparedEntry, 'leaf'>, answer: Record<string, V1Content>): JudgedAnswer | string {
		const [[id, content] = [], ...others] = Object.entries(answer);
		if (id === undefined || content === undefined || others.length > 0) return 'the answer does not hold one entry';
		const judged = this.#judgeClaims(entry, claimsOfV1(content));
		if (typeof judged === 'string') return judged;
		if (id.slice(16) !== leafHash(judged.leaf).toString('hex')) return `the entry's name ${id} is not its leaf hash`;
		const { body, integratedTime, logID, logIndex } = content;
		if (logID !== createHash('sha256').update(this.#log.publicKey).digest('hex')) return 'the log id is another one';
		// The order of these members is that of canonical JSON.
		const promise = Buffer.from(JSON.stringify({ body, integratedTime, logID, logIndex }));
		const signature = Buffer.from(content.verification.signedEntryTimestamp, 'base64');
		return verify('sha256', promise, this.#log.key, signature) ? judged : 'the signature of the SET is wrong';
	}

	#judgeClaims(entry: Pick<PreparedEntry, 'leaf'>, claims: Claims): JudgedAnswer | string {
		if (!claims.leaf.equals(Buffer.from(entry.leaf)))
			return `the leaf is not the one that was submitted: ${claims.leaf.toString()}`;
		if (claims.index !== claims.proofIndex) return 'the proof is for another index';
		const head = this.#open(claims.note);
		if (typeof head === 'string') return head;
		if (head.size !== claims.size || head.root !== claims.root) return 'the checkpoint is not that of the proof';
		const root = rootFromInclusion(claims.index, claims.size, leafHash(claims.leaf), claims.proof);
		if (root?.toString('hex') !== head.root) return `the proof of index ${claims.index} does not lead to the root`;
		return { index: claims.index, leaf: claims.leaf, head };
	}

	#open(note: string): TreeHead | string {
		let head = this.#heads.get(note);
		if (head === undefined) {
			head = openCheckpoint(this.#log, note);
			this.#heads.set(note, head);
		}
		return head;
	}
}

function claimsOfV1({ body, logIndex, verification }: V1Content): Claims {
	const { inclusionProof } = verification;
	return {
		leaf: Buffer.from(body, 'base64'),
		index: logIndex,
		proofIndex: inclusionProof.logIndex,
		size: inclusionProof.treeSize,
		root: inclusionProof.rootHash,
		proof: inclusionProof.hashes.map((hex) => Buffer.from(hex, 'hex')),
		note: inclusionProof.checkpoint,
	};
}

function claimsOfV2({ logIndex, inclusionProof, canonicalizedBody }: V2Entry): Claims {
	return {
		leaf: Buffer.from(canonicalizedBody, 'base64'),
		index: Number(logIndex),
		proofIndex: Number(inclusionProof.logIndex),
		size: Number(inclusionProof.treeSize),
		root: Buffer.from(inclusionProof.rootHash, 'base64').toString('hex'),
		proof: (inclusionProof.hashes ?? []).map((text) => Buffer.from(text, 'base64')),
		note: inclusionProof.checkpoint.envelope,
	};
}
