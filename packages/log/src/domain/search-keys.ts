/**
 * Search terms in the form the engine stores. Identities are also found by how they begin (every workflow of one
 * organisation), as far as the database can index them.
 */
import { utf8 } from '@chancery/core/bytes';
import { type SearchKey, searchKey } from '@chancery/tlog/search-key';
import type { SearchTerm } from '@chancery/wire/entries/search-terms';

/** Longer texts are found whole and not by their beginning. */
const MAX_PREFIX_TEXT_BYTES = 1024;

export function toSearchKeys(terms: readonly SearchTerm[]): SearchKey[] {
	return terms.map(({ kind, value }) => searchKey(kind, value, { prefix: kind === 'subject' && canBePrefix(value) }));
}

/** A SAN may hold anything, also what a text column refuses. */
function canBePrefix(value: string): boolean {
	return !value.includes('\u0000') && utf8(value).length <= MAX_PREFIX_TEXT_BYTES;
}
