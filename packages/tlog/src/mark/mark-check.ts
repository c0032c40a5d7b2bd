/**
 * Compares the stored tree with the mark, and remembers why the log may not grow.
 *
 * The comparison: the integrated head is at least as large as the mark, and the root recomputed at the mark's size is the
 * mark's root. Then everything that was ever published is still there. It is made at start and before each signature
 * with the stored mark; with the newest mark this process knows on each new connection, and under the head lock whenever
 * the head is not where it left it. A connection that has come to lead to another server cannot go unnoticed, and
 * nothing is signed on it.
 */
import { equalBytes, toHex } from '@chancery/core/bytes';
import type { Hash } from '@chancery/core/merkle';
import { sha256 } from '@chancery/core/sha';
import { type Mark, MarkError, type MarkStore } from '@chancery/postgres/mark/mark';
import type { Publication } from '../entry.ts';
import type { LogIdentity } from '../log-identity.ts';
import type { LogState } from '../store/publications.ts';
import { TlogError } from '../tlog-error.ts';

/** `forked` and `rolled-back`: the database is not the one that was published from. The others: nobody can tell. */
export type MarkProblem = 'missing' | 'unreadable' | 'foreign' | 'rolled-back' | 'forked';

export type ComputeRoot = (size: number) => Promise<Hash>;

/** Roots of smaller trees inside the tree of a head. */
export type RootsOf = (head: LogState['head']) => ComputeRoot;

const RETRY_AFTER_SECONDS = 30;

export class MarkCheck {
	readonly #place: MarkStore;
	readonly #identity: LogIdentity;
	readonly #keyId: Uint8Array;
	#known: Mark | undefined;
	#problem: { kind: MarkProblem; detail: string } | undefined;

	constructor(store: MarkStore, identity: LogIdentity) {
		this.#place = store;
		this.#identity = identity;
		this.#keyId = sha256(identity.publicKey);
	}

	/** Why the log is read-only, as the last comparison found; undefined when all is well. */
	get problem(): { kind: MarkProblem; detail: string } | undefined {
		return this.#problem;
	}

	/**
	 * Has a larger checkpoint than this one been published? A failover may keep the newest entries and lose their
	 * publication; a smaller one must not be shown again.
	 */
	isBeyond(publication: Publication): boolean {
		return this.#known !== undefined && this.#known.size > publication.size;
	}

	/** Does the mark say that this checkpoint has been published, or a larger one? */
	hasReached({ size, root }: Publication): boolean {
		const known = this.#known;
		return known !== undefined && (known.size > size || (known.size === size && equalBytes(known.root, root)));
	}

	/**
	 * The whole comparison, with the stored mark, or with the one this process knows if that is newer: the place of the
	 * mark may have been restored too. A success ends an earlier problem: a mark that could not be read for a while, or a
	 * connection that led to a stale server, need no restart. Returns the state that was compared.
	 * @throws {TlogError} `read-only`; `unavailable` when a mark that has gone back cannot be set right.
	 */
	async compare(readState: () => Promise<LogState>, rootsOf: RootsOf): Promise<LogState> {
		// The mark first: what it stands at was committed before. The other way round, a replica whose way to the mark is
		// slow would compare an old look at the database with what others have published since, and call it rolled back.
		const stored = await this.#read();
		if (stored && (!this.#known || this.#known.size <= stored.size)) this.#known = stored;
		const mark = this.#known;
		const state = await readState();
		// An empty log has promised nothing.
		const isEmpty = state.head.size === 0 && !mark?.size;
		if (stored === undefined && !isEmpty)
			throw this.#refuse('missing', `there is no mark beside a log of ${state.head.size} entries`);
		if (stored && mark) {
			await this.#requireHolder(state);
			await this.#requireContains(mark, state.head, rootsOf(state.head));
			if (mark.size > stored.size) await this.#store(mark);
		}
		this.#problem = undefined;
		return state;
	}

	/**
	 * The comparison with the newest mark this process has read or written. Nothing outside of the database is asked, so
	 * this one may run under the head lock, and on each new connection. `known` is the mark as it was known before the
	 * head was read, where no lock keeps the two together.
	 * @throws {TlogError} `read-only`.
	 */
	async compareKnown(head: { size: number; root: Hash }, rootAt: ComputeRoot, known = this.#known): Promise<void> {
		if (this.#problem) throw this.asError();
		if (known) await this.#requireContains(known, head, rootAt);
	}

	/** The newest mark that this process has read or written. */
	get known(): Mark | undefined {
		return this.#known;
	}

	/**
	 * Makes the mark stand at least at this publication. Nothing that carries it may leave the process before.
	 * @throws {TlogError} `unavailable` when the place of the mark fails.
	 */
	async advance(publication: Publication): Promise<void> {
		const { size, root, note } = publication;
		if (this.#known && this.#known.size >= size) {
			if (this.#known.size > size || equalBytes(this.#known.root, root)) return;
			throw this.#refuse('forked', `the mark has another root at size ${size} than the published checkpoint`);
		}
		const mark: Mark = { origin: this.#identity.origin, keyId: this.#keyId, size, root, note };
		await this.#store(mark);
		// Two publications may come to their end in either order.
		if (!this.#known || this.#known.size < size) this.#known = mark;
	}

	asError(): TlogError {
		const { kind, detail } = this.#problem!;
		return new TlogError('read-only', `${kind}: ${detail}`, { retryAfterSeconds: RETRY_AFTER_SECONDS });
	}

	async #store(mark: Mark): Promise<void> {
		try {
			await this.#place.advance(mark);
		} catch (cause) {
			const detail = cause instanceof MarkError ? cause.message : 'the mark cannot be advanced';
			throw new TlogError('unavailable', detail, { retryAfterSeconds: RETRY_AFTER_SECONDS, cause });
		}
	}

	async #read(): Promise<Mark | undefined> {
		let mark: Mark | undefined;
		try {
			mark = await this.#place.read();
		} catch (cause) {
			const detail = cause instanceof Error ? cause.message : String(cause);
			throw this.#refuse('unreadable', detail);
		}
		if (mark && !equalBytes(mark.keyId, this.#keyId))
			throw this.#refuse(
				'foreign',
				`the mark belongs to the log ${mark.origin} with key ${toHex(mark.keyId)}, this is ${this.#identity.origin} with key ${toHex(this.#keyId)}`,
			);
		return mark;
	}

	/** Another process with a mark of its own has taken the log: our mark no longer hears of all that is published. */
	async #requireHolder(state: LogState): Promise<void> {
		if (!this.#place.holder || state.markHolder === undefined) return;
		const holder = await this.#place.holder();
		if (holder !== state.markHolder)
			throw this.#refuse('foreign', `the log belongs to the mark ${state.markHolder}, ours is ${holder}`);
	}

	async #requireContains(mark: Mark, head: { size: number; root: Hash }, rootAt: ComputeRoot): Promise<void> {
		if (head.size < mark.size)
			throw this.#refuse(
				'rolled-back',
				`the database holds ${head.size} entries, but ${mark.size} were published: a restored backup or a stale standby`,
			);
		const root = head.size === mark.size ? head.root : await rootAt(mark.size);
		if (!equalBytes(root, mark.root))
			throw this.#refuse(
				'forked',
				`at size ${mark.size} the database has root ${toHex(root)}, but ${toHex(mark.root)} was published`,
			);
	}

	#refuse(kind: MarkProblem, detail: string): TlogError {
		this.#problem = { kind, detail };
		return this.asError();
	}
}
