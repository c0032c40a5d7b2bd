/**
 * Search keys of an entry: (kind, SHA-256 of the normalised value), and for some kinds the value itself, which is stored
 * and not searched yet. Normalising (lower case, trimming) is the business of the service that knows what the value is.
 */
import { utf8 } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';

export interface SearchKey {
	/** What the value is: `email`, `artifact`, `issuer`. At most 64 bytes. */
	readonly kind: string;
	/** SHA-256 of the UTF-8 of the normalised value. */
	readonly hash: Uint8Array;
	/**
	 * The normalised value where it is stored: at most 1,024 bytes, without NUL. The database is the
	 * judge: an entry with an impossible text is refused alone.
	 */
	readonly text?: string;
}

/** Key of a normalised value; with `prefix` the value is stored too, so that it can be searched by its beginning. */
export function searchKey(kind: string, value: string, options: { prefix?: boolean } = {}): SearchKey {
	const hash = sha256(utf8(value));
	return options.prefix ? { kind, hash, text: value } : { kind, hash };
}
