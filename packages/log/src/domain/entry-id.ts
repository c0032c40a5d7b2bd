/**
 * How v1 entries are named: 16 hex digits of the tree id (an int64) and 64 of the leaf hash. Requests may leave the
 * tree id away. In checkpoints, `treeID` members and query parameters the same tree id is decimal.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { fromHex, toHex } from '@chancery/core/bytes';

const TREE_ID_DIGITS = 16;
const MAX_TREE_ID = 2n ** 63n - 1n;

/** The id of an entry in the tree `treeId` (decimal). */
export function formatEntryId(treeId: string, leafHash: Uint8Array): string {
	return BigInt(treeId).toString(16).padStart(TREE_ID_DIGITS, '0') + toHex(leafHash);
}

/** `treeId` is decimal, and undefined when the request names only the leaf. */
export interface EntryName {
	readonly treeId: string | undefined;
	readonly leafHash: Uint8Array;
}

/** Reads 64 or 80 hex digits. @throws {DomainError} `invalid-entry-id` for a tree id that no tree can have */
export function parseEntryName(text: string): EntryName {
	const leafHash = fromHex(text.slice(-64));
	if (text.length === 64) return { treeId: undefined, leafHash };
	const treeId = BigInt(`0x${text.slice(0, TREE_ID_DIGITS)}`);
	if (treeId === 0n || treeId > MAX_TREE_ID) {
		throw new DomainError(
			'invalid-entry-id',
			`invalid entryID ${text}: its first 16 digits are no tree id; expected 1 to 7fffffffffffffff`,
		);
	}
	return { treeId: String(treeId), leafHash };
}
