/**
 * The mark: the last published checkpoint, kept in a place that is not restored together with the database.
 *
 * A database that comes back older than it was (a restored backup, a standby that was behind) looks perfectly healthy
 * from inside. Signing on top of it would give two trees to the world. The mark is what it is compared with.
 */
import type { Hash } from '@chancery/core/merkle';

export interface Mark {
	readonly origin: string;
	/** SHA-256 of the log's public key (SPKI DER): two logs may share an origin text, never a key. */
	readonly keyId: Uint8Array;
	readonly size: number;
	readonly root: Hash;
	/** The signed checkpoint itself: what proves to others that it was published. */
	readonly note: Uint8Array;
}

export interface MarkStore {
	/** The stored mark, or undefined when there has never been one. Throws MarkError when it cannot be read or made out. */
	read(): Promise<Mark | undefined>;
	/**
	 * Resolves when a mark of at least this size is durable; never replaces a larger one.
	 * Throws MarkError for another root at the same size, for the mark of another log, and when the place fails.
	 */
	advance(mark: Mark): Promise<void>;
	/**
	 * Present on stores that belong to one process (a file on one host): a name that stays with the store. The database
	 * remembers it, so that a second replica with a file of its own is found out.
	 */
	holder?(): Promise<string>;
	/** Lets another process take the store over. */
	close?(): Promise<void>;
}

/** A store whose mark an operator may set back (`log adopt-head`). */
export interface AdoptableMarkStore extends MarkStore {
	replace(mark: Mark): Promise<void>;
}

/** The place of the mark cannot be read, cannot be written, or holds something else than a mark of this log. */
export class MarkError extends Error {
	override readonly name = 'MarkError';
}

/** Another living process has the mark. A log that finds this at start does not start. */
export class MarkInUseError extends MarkError {}
