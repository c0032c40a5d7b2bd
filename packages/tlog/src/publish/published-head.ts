/**
 * The published head of this process: the newest checkpoint that may be shown to anyone.
 *
 * What it guards: what was shown never goes back, and nothing is shown that the mark has not reached. Two may replace
 * the head. The publication loop does with what it has committed and marked (`replace`). A look at the database does
 * with what another process published (`adopt`), once that was compared with the mark and is as durable as the server is
 * asked to make it.
 */
import type { Publication } from '../entry.ts';
import type { LogState } from '../store/publications.ts';
import { readCheckedState, requireState, type StateContext } from './checked-state.ts';
import { confirmPublication } from './publish.ts';

/** How long a look at the database waits for a standby to have what another process published. */
const STANDBY_WAIT_MS = 1_000;

export interface PublishedHeadOptions {
	readonly context: StateContext;
	/** Told when the head was replaced by what another process published. */
	readonly onAdopted: () => void;
	/** Told when the database has the entries of a checkpoint that was shown and no longer its publication. */
	readonly onPublicationLost: () => void;
}

export class PublishedHead {
	readonly #options: PublishedHeadOptions;
	#current: Publication | undefined;
	/** When `#current` was last compared with the database, on the monotonic clock. */
	#checkedAtMs = Number.NEGATIVE_INFINITY;
	#integratedSize = 0;
	#lookFailure: unknown;
	#looking: Promise<void> | undefined;
	#confirming: Promise<void> | undefined;

	constructor(options: PublishedHeadOptions) {
		this.#options = options;
	}

	/** The newest checkpoint that may be shown, as far as this process knows. */
	get current(): Publication | undefined {
		return this.#current;
	}

	/** Integrated entries that this process knows to be unpublished. */
	get unpublished(): number {
		return Math.max(0, this.#integratedSize - (this.#current?.size ?? 0));
	}

	/** Why the last look at the database failed; undefined after a success, of a look or of a publication. */
	get lookFailure(): unknown {
		return this.#lookFailure;
	}

	/** So many entries are known to be integrated. */
	noteIntegrated(size: number): void {
		this.#integratedSize = Math.max(this.#integratedSize, size);
	}

	/** Shows what this process has published, with the mark standing at it. */
	replace(publication: Publication): void {
		this.#lookFailure = undefined;
		this.#show(publication);
	}

	/**
	 * The newest checkpoint, looked up in the database when the one in memory is older than `maxAgeMs` or smaller than
	 * `minSize`: another replica may have published.
	 */
	async fresh(maxAgeMs: number, minSize = 0): Promise<Publication | undefined> {
		const current = this.#current;
		const age = performance.now() - this.#checkedAtMs;
		if (current && current.size >= minSize && age <= maxAgeMs) return current;
		try {
			// One look serves all who ask meanwhile: readers must not queue up in front of a database that is slow. A look
			// that was under way already may have missed what its asker knows of.
			const joined = this.#looking !== undefined;
			await this.#look();
			if (joined && (this.#current?.size ?? 0) < minSize) await this.#look();
		} catch (error) {
			// What was shown once may be shown again while the database or the mark is away.
			if (!current || current.size < minSize) throw error;
		}
		return this.#current;
	}

	/** Shows what another process published, once the mark stands at it. `seen` is what the database has now. */
	async adopt(seen: LogState): Promise<void> {
		const { context, onAdopted, onPublicationLost } = this.#options;
		const current = this.#current;
		this.noteIntegrated(seen.head.size);
		const isNewer = ({ published }: LogState) =>
			published && (!current || published.size > current.size || published.timestampMs > current.timestampMs);
		// The database may know less than we have shown: then it is not the one we published to.
		if (isNewer(seen) || (current && current.size > (seen.published?.size ?? 0))) {
			const state = await readCheckedState(context);
			const { published } = state;
			if (published && isNewer(state)) {
				if (context.mark.isBeyond(published)) {
					// A failover kept the entries and lost their publication: they are published again before anything is shown.
					onPublicationLost();
					return;
				}
				if (!(await this.#confirm(state, published))) return;
				this.#show(published);
				onAdopted();
			}
		}
		this.#checkedAtMs = performance.now();
	}

	/** Resolves when nothing asks the database or the mark any more on behalf of the head. */
	async close(): Promise<void> {
		// It ends as any statement does, by the timeouts of its connection; the mark is closed after it.
		await this.#confirming?.catch(ignoreFailure);
	}

	#look(): Promise<void> {
		this.#looking ??= this.#lookNow().finally(() => {
			this.#looking = undefined;
		});
		return this.#looking;
	}

	async #lookNow(): Promise<void> {
		try {
			await this.adopt(await requireState(this.#options.context));
			this.#lookFailure = undefined;
		} catch (error) {
			this.#lookFailure = error;
			throw error;
		}
	}

	/**
	 * Makes sure of what somebody else published. False when that takes longer than whoever looks should wait: a standby
	 * that is away must not keep readers from what was shown before.
	 */
	async #confirm(state: LogState, published: Publication): Promise<boolean> {
		const { context } = this.#options;
		const { promise: late, resolve } = Promise.withResolvers<void>();
		const timer = setTimeout(resolve, STANDBY_WAIT_MS);
		let isLate = false;
		void late.then(() => {
			isLate = true;
		});
		try {
			do {
				// One at a time, and those who come meanwhile wait along: each may hold a connection until the standby is back.
				this.#confirming ??= confirmPublication(context, state, published).finally(() => {
					this.#confirming = undefined;
				});
				await Promise.race([this.#confirming, late]);
			} while (!isLate && !context.mark.hasReached(published));
			return context.mark.hasReached(published);
		} finally {
			clearTimeout(timer);
		}
	}

	#show(publication: Publication): void {
		const current = this.#current;
		this.#checkedAtMs = performance.now();
		this.noteIntegrated(publication.size);
		// Two of our own lookups may finish in either order; what was shown never goes back.
		if (current && (publication.size < current.size || publication.timestampMs < current.timestampMs)) return;
		this.#current = publication;
	}
}

/** Whoever waited for it has been told. */
function ignoreFailure(): void {}
