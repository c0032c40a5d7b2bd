/**
 * The mark: how far something has been published, kept in a place that is not restored together with its database.
 *
 * A database that comes back older than it was (a restored backup, a standby that was behind) looks perfectly healthy
 * from inside. Publishing on top of it would tell the world two stories. The mark is what it is compared with. A log
 * marks its last checkpoint, a TUF repository its newest versions, a timestamp authority its latest time.
 */

import { ChanceryError } from '@chancery/core/chancery-error';

export interface Mark {
	/** What is marked, for people: a log's origin, a base URL. */
	readonly origin: string;
	/** What is marked, for certain (32 bytes): a digest of the key or of the first file. Never two with the same. */
	readonly keyId: Uint8Array;
	/** Grows with every publication, and is never the same for two of them. */
	readonly size: number;
	/** 32 bytes that stand for all that was published up to here: two marks of one size agree in it, or one is a fork. */
	readonly root: Uint8Array;
	/** What was published last, as evidence for others. */
	readonly note: Uint8Array;
}

export interface MarkStore {
	/** The stored mark, or undefined when there has never been one. Throws MarkError when it cannot be read or made out. */
	read(): Promise<Mark | undefined>;
	/**
	 * Resolves when a mark of at least this size is durable; never replaces a larger one.
	 * Throws MarkError for another root at the same size, for the mark of something else, and when the place fails.
	 */
	advance(mark: Mark): Promise<void>;
	/**
	 * Present on stores that belong to one process (a file on one host): a name that stays with the store. The database
	 * remembers it, so that a second replica with a file of its own is found out.
	 */
	holder?(): Promise<string>;
	/** Unix milliseconds by the clock of the place, where it has one that several processes share. */
	clockMs?(): Promise<number>;
	/** Lets another process take the store over. */
	close?(): Promise<void>;
}

/** A store whose mark an operator may set back. */
export interface AdoptableMarkStore extends MarkStore {
	replace(mark: Mark): Promise<void>;
}

/** The place of the mark cannot be read, cannot be written, or holds the mark of something else. */
export class MarkError extends ChanceryError<'mark-unusable' | 'mark-in-use'> {
	constructor(message: string, options?: ErrorOptions & { readonly code?: 'mark-in-use' }) {
		super(options?.code ?? 'mark-unusable', `${message}${systemReason(options?.cause)}`, options);
	}
}

/** Another living process has the mark. Whoever finds this at start does not start. */
export class MarkInUseError extends MarkError {
	constructor(message: string, options?: ErrorOptions) {
		super(message, { ...options, code: 'mark-in-use' });
	}
}

/** What the system said, such as ` (ENOSPC: no space left on device)`, without the path behind it. */
function systemReason(cause: unknown): string {
	const [reason] = (cause instanceof Error && /^E[A-Z0-9]+: [^,]+/.exec(cause.message)) || [];
	return reason === undefined ? '' : ` (${reason})`;
}
