/**
 * Seconds that are set aside before they are given out, so that the time of tokens does not go back over restarts, nor
 * from one replica to another.
 *
 * The mark of the authority holds the last second that may stand in a token. It moves before the first token of a second
 * is signed: a crash at any point leaves a mark that is no earlier than any token, and at most one second later. Whoever
 * starts next begins there. A file belongs to one process; replicas share a row of a database, and hold their clocks
 * against its.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { utf8 } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import { type Mark, MarkError, MarkInUseError, type MarkStore } from '@chancery/postgres/mark/mark';

export interface TimeReserve {
	/**
	 * The last second that anybody may have given out in an earlier life or beside us; undefined when there was none.
	 * @throws MarkInUseError while another process has the mark
	 */
	begin(): Promise<number | undefined>;
	/**
	 * Sets aside everything up to and including `second`. Returns the last second that anybody else may have given out:
	 * a replica beside us, or an earlier life that `begin` could not ask about.
	 * @throws DomainError `time-not-kept`, `clock-apart`
	 */
	extendTo(second: number): Promise<number>;
	/** Leaves the place to another process. Nothing may be set aside afterwards. */
	close(): Promise<void>;
}

const RETRY_AFTER_SECONDS = 5;
/** All that has to be remembered is the second; the mark's place asks for a digest of what stands there. */
const NO_ROOT = new Uint8Array(32);

/** `origin` is the public URL: whoever else keeps time under it must share the mark. */
export function createTimeReserve(
	place: MarkStore,
	{ clock, origin, accuracySeconds }: { clock: Clock; origin: string; accuracySeconds: number },
): TimeReserve {
	const keyId = sha256(utf8(`timestamp authority\n${origin}`));
	const markAt = (size: number): Mark => ({ origin, keyId, size, root: NO_ROOT, note: new Uint8Array() });

	const requireClock = async () => {
		const before = clock();
		const server = await place.clockMs?.();
		if (server === undefined) return;
		const after = clock();
		const apartMs = Math.max(before - server, server - after, 0);
		if (apartMs > accuracySeconds * 1000)
			throw new DomainError(
				'clock-apart',
				`the clock is ${(apartMs / 1000).toFixed(1)} s away from that of the database which the replicas share; tokens promise ${accuracySeconds} s`,
				{ retryAfterSeconds: RETRY_AFTER_SECONDS },
			);
	};

	let isBegun = false;
	const reachedBefore = async (): Promise<number | undefined> => {
		const stored = await place.read();
		isBegun = true;
		return stored?.size;
	};

	const setAside = async (second: number): Promise<number> => {
		try {
			await requireClock();
			const before = isBegun ? undefined : await reachedBefore();
			await place.advance(markAt(second));
			const reached = (await place.read())?.size ?? second;
			// A replica sets one second more aside than it gives out. In a place with a holder nobody is beside us: what
			// lies beyond ours is of an earlier life, which may have given out all of it.
			const others = place.holder && reached > second ? reached : reached - 1;
			return Math.max(others, before ?? others);
		} catch (cause) {
			if (!(cause instanceof MarkError)) throw cause;
			throw new DomainError('time-not-kept', `the time cannot be kept: ${cause.message}`, {
				retryAfterSeconds: RETRY_AFTER_SECONDS,
				cause,
			});
		}
	};

	let pending: Promise<unknown> = Promise.resolve();
	return {
		async begin() {
			try {
				return await reachedBefore();
			} catch (error) {
				// Any other trouble may pass: no second is given out before one could be set aside, and that asks again.
				if (error instanceof MarkInUseError || !(error instanceof MarkError)) throw error;
				return undefined;
			}
		},
		extendTo(second) {
			const extending = setAside(second);
			pending = extending.catch(() => undefined);
			return extending;
		},
		// What is under way would take the place again after it was left.
		async close() {
			await pending;
			await place.close?.();
		},
	};
}
