/**
 * An entry as every answer gives it: with a proof in a published tree. Entry, proof and checkpoint belong to one size,
 * and the proof has been checked against that root before anybody sees it.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { type Hash, hashLeaf } from '@chancery/core/merkle';
import { checkInclusion, ProofError } from '@chancery/core/proof';
import type { Log, Publication } from '@chancery/tlog/log';
import { askEngine } from './engine-errors.ts';

export interface ProvenEntry {
	readonly index: number;
	readonly timestampMs: number;
	readonly leaf: Uint8Array;
	readonly leafHash: Hash;
	/** The SET where the log signs one. */
	readonly receipt: Uint8Array | null;
	readonly publication: Publication;
	readonly proof: readonly Hash[];
}

/** The entry at `index` in the newest published tree; undefined when it has none there. @throws {DomainError} */
export function findByIndex(log: Log, index: number): Promise<ProvenEntry | undefined> {
	return askEngine(async () => {
		const publication = await log.published();
		if (index >= publication.size) return undefined;
		const [stored, proof] = await Promise.all([log.entry(index), log.inclusionProof(index, publication.size)]);
		if (stored === undefined) return undefined;
		return checkedEntry({
			index,
			timestampMs: stored.timestampMs,
			leaf: stored.leaf,
			leafHash: hashLeaf(stored.leaf),
			receipt: stored.receipt,
			publication,
			proof,
		});
	});
}

/** The entry with a leaf hash; undefined when the published tree has none. @throws {DomainError} */
export async function findByLeafHash(log: Log, leafHash: Uint8Array): Promise<ProvenEntry | undefined> {
	const index = await askEngine(() => log.findByLeafHash(leafHash));
	return index === undefined ? undefined : findByIndex(log, index);
}

/** Lets only an entry pass whose proof leads to the root of its publication. @throws {DomainError} `proof-failed` */
export function checkedEntry(entry: ProvenEntry): ProvenEntry {
	const { index, leafHash, publication, proof } = entry;
	try {
		checkInclusion({ index, size: publication.size, leafHash, root: publication.root, proof });
	} catch (cause) {
		if (!(cause instanceof ProofError)) throw cause;
		throw new DomainError(
			'proof-failed',
			`the proof of entry ${index} in the tree of size ${publication.size} does not verify; nothing is answered`,
			{ cause },
		);
	}
	return entry;
}
