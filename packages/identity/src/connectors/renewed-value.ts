/**
 * Something that a provider says about itself, kept and renewed. There is one attempt at a time, whoever asks; a provider
 * that fails is asked again after a pause that grows; and while it fails, what it said last goes on being used for a while.
 */
import type { Clock } from '@chancery/chassis/service';
import { UpstreamFailure } from './upstream-failure.ts';

/** Asked for after this time, without anybody waiting for it. */
const RENEW_AFTER_MS = 10 * 60_000;
/** Never used when it is older. */
const MAX_AGE_MS = 24 * 60 * 60_000;
/** After a failure, doubled by each further one. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;

export class RenewedValue<T> {
	readonly #load: () => Promise<T>;
	readonly #clock: Clock;
	#known: { readonly value: T; readonly loadedAtMs: number } | undefined;
	#attempt: Promise<void> | undefined;
	#failure: { readonly error: unknown; readonly atMs: number; readonly count: number } | undefined;

	constructor(load: () => Promise<T>, clock: Clock) {
		this.#load = load;
		this.#clock = clock;
	}

	/** The error of the last attempt; undefined when it succeeded, or there was none. */
	get failure(): unknown {
		return this.#failure?.error;
	}

	get isKnown(): boolean {
		return this.#age() <= MAX_AGE_MS;
	}

	/** @throws what the last attempt threw, without a new one while its pause lasts */
	async get(): Promise<T> {
		if (this.#known && this.isKnown) {
			if (this.#age() > RENEW_AFTER_MS && this.#pauseLeftMs() === 0) void this.renew();
			return this.#known.value;
		}
		const pauseMs = this.#pauseLeftMs();
		if (pauseMs > 0) throw asLater(this.#failure?.error, pauseMs);
		await this.renew();
		if (!this.#known || !this.isKnown) throw this.#failure?.error;
		return this.#known.value;
	}

	/** Begins an attempt, or joins the one that is under way. Never rejects. */
	renew(): Promise<void> {
		this.#attempt ??= this.#ask().finally(() => {
			this.#attempt = undefined;
		});
		return this.#attempt;
	}

	async #ask(): Promise<void> {
		try {
			this.#known = { value: await this.#load(), loadedAtMs: this.#clock() };
			this.#failure = undefined;
		} catch (error) {
			this.#failure = { error, atMs: this.#clock(), count: (this.#failure?.count ?? 0) + 1 };
		}
	}

	#pauseLeftMs(): number {
		// Whoever comes while an attempt is under way joins it.
		if (this.#attempt || !this.#failure) return 0;
		const { atMs, count } = this.#failure;
		const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (count - 1), MAX_PAUSE_MS);
		return Math.max(0, pauseMs - since(this.#clock, atMs));
	}

	#age(): number {
		return this.#known ? since(this.#clock, this.#known.loadedAtMs) : Number.POSITIVE_INFINITY;
	}
}

/** A clock that was set back must not make anything last for ever. */
function since(clock: Clock, momentMs: number): number {
	return Math.abs(clock() - momentMs);
}

function asLater(error: unknown, pauseMs: number): unknown {
	if (!(error instanceof UpstreamFailure)) return error;
	return new UpstreamFailure(error.code, error.message, { retryAfterSeconds: Math.ceil(pauseMs / 1000), cause: error });
}
