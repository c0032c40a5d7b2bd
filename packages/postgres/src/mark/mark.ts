/**
 * The mark: how far something has been published. It is stored where it is not restored together with its database.
 *
 * A database that has gone back (a restored backup, a standby that was behind) looks healthy from inside. Publishing from it
 * would contradict what the world has seen. So it is compared with the mark. A log marks its last checkpoint, a TUF
 * repository its newest versions, a timestamp authority its latest time.
 */

import { ChanceryError } from '@chancery/core/chancery-error';

export interface Mark {
	/** What is marked, for people: the origin of a log, a base URL. */
	readonly origin: string;
	/** What is marked, as a unique id (32 bytes): a digest of the key or of the first file. */
	readonly keyId: Uint8Array;
	/** Grows with every publication; two publications never have the same size. */
	readonly size: number;
	/** 32 bytes that depend on everything published up to this size. If two marks of one size differ here, one is a fork. */
	readonly root: Uint8Array;
	/** The last publication, as evidence for others. */
	readonly note: Uint8Array;
}

/** A place as somebody finds it who only looks. */
export interface MarkInspection {
	/** For messages: a path, or the name of the mark and where that is, without secrets. */
	readonly where: string;
	/** Undefined: there has never been one. */
	readonly mark: Mark | undefined;
	/** What the store calls itself (`holder`), if it has a name already. */
	readonly holder: string | undefined;
	/** Why this user could not write it now; undefined when nothing is in the way, as far as looking shows. */
	readonly obstacle: string | undefined;
	/** Of a file: the folder in which it lies or will lie, if that is there; else the nearest one above. */
	readonly folder: string | undefined;
	/** By the clock of the place, unix milliseconds, where it has one that several processes share. */
	readonly clockMs: number | undefined;
}

/** What somebody needs of a store who only looks. */
export type LookedAtMark = Pick<AdoptableMarkStore, 'inspect'>;

export interface MarkStore {
	/** The stored mark, or undefined when there has never been one. Throws MarkError when it cannot be read or parsed. */
	read(): Promise<Mark | undefined>;
	/**
	 * Resolves when a mark of at least this size is durable; never replaces a larger one.
	 * Throws MarkError for another root at the same size, for the mark of something else, and when the place fails.
	 */
	advance(mark: Mark): Promise<void>;
	/**
	 * Present on stores of one host (a file): a name that stays with the store, the same for all processes that share it. The
	 * database stores it, so that a replica with another file is detected.
	 */
	holder?(): Promise<string>;
	/**
	 * Proves that a mark could be written now, and changes none: what keeps it from that is to be seen before a
	 * publication needs it. Throws MarkError.
	 */
	probe?(): Promise<void>;
	/** How often a probe may be made, if that is less often than usual, in milliseconds: some places charge for each. */
	readonly probeEveryMs?: number;
	/**
	 * What lies in the place, for a reader that does not use it: takes no lock, makes no folder and no table, and writes
	 * nothing. Throws MarkError when the place does not answer, or holds what cannot be made out.
	 */
	inspect?(): Promise<MarkInspection>;
	/** Unix milliseconds by the clock of the mark's place, if it has one that several processes share. */
	clockMs?(): Promise<number>;
	/** Gives back what this process holds of the place. */
	close?(): Promise<void>;
}

/** A store whose mark an operator may set back. */
export interface AdoptableMarkStore extends MarkStore {
	inspect(): Promise<MarkInspection>;
	/** Throws MarkInUseError while another process shares the place, if the place knows that. */
	replace(mark: Mark): Promise<void>;
	/**
	 * Present where a place knows who uses it: keeps every other process away, until what it returns is called.
	 * Throws MarkInUseError while another process uses the place.
	 */
	takeAlone?(): Promise<() => Promise<void>>;
}

/** The place of the mark cannot be read, cannot be written, or holds the mark of something else. */
export class MarkError extends ChanceryError<'mark-unusable' | 'mark-in-use' | 'mark-place'> {
	constructor(message: string, options?: ErrorOptions & { readonly code?: 'mark-in-use' | 'mark-place' }) {
		super(options?.code ?? 'mark-unusable', `${message}${systemReason(options?.cause)}`, options);
	}
}

/** Somebody else has the mark: another host, or a command that needs it alone. Who finds this at its start does not start. */
export class MarkInUseError extends MarkError {
	constructor(message: string, options?: ErrorOptions) {
		super(message, { ...options, code: 'mark-in-use' });
	}
}

/** No mark can ever be kept in this place; the message names another one. Who finds this at its start does not start. */
export class MarkPlaceError extends MarkError {
	constructor(message: string, options?: ErrorOptions) {
		super(message, { ...options, code: 'mark-place' });
	}
}

/** Whether waiting ends this: other failures of a mark may be over soon, and a service starts with them and says so. */
export function preventsStart(error: unknown): error is MarkInUseError | MarkPlaceError {
	return error instanceof MarkInUseError || error instanceof MarkPlaceError;
}

/** The message of the system, such as ` (ENOSPC: no space left on device)`, without the path after it. */
function systemReason(cause: unknown): string {
	const [reason] = (cause instanceof Error && /^E[A-Z0-9]+: [^,]+/.exec(cause.message)) || [];
	return reason === undefined ? '' : ` (${reason})`;
}
