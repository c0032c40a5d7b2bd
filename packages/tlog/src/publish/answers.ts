/**
 * The last step of a submission: from an index that is covered by a published checkpoint to the answer, with a proof
 * that was checked.
 */
import { checkInclusion, proveInclusion } from '@chancery/core/proof';
import type { Admitted, Publication, StoredEntry } from '../entry.ts';
import { hashReader, type TreeSource } from '../tree/hash-reader.ts';
import { checkedProof } from '../tree/proofs.ts';

/**
 * Completes a stored entry to an answer.
 * @throws {TlogError} `unavailable` when no proof could be made that checks: what is stored and what was signed differ.
 */
export async function admit(
	source: TreeSource,
	entry: StoredEntry,
	publication: Publication,
	duplicate: boolean,
): Promise<Admitted> {
	const { index, leafHash } = entry;
	const { size, root } = publication;
	const proof = await checkedProof(source, async (from) => {
		const hashes = await proveInclusion(index, size, hashReader(from, size));
		checkInclusion({ index, size, leafHash, root, proof: hashes });
		return hashes;
	});
	return { ...entry, duplicate, publication, proof };
}
