/**
 * Reserves seconds before tokens use them, so that the time of tokens does not go back after a restart, or from one replica to
 * another.
 *
 * The mark of the authority is the last second that a token may state. It moves before the first token of a second is signed: a
 * crash at any point leaves a mark that is not earlier than any token, and at most one second later. The next process starts
 * there. The processes of one host share a file, and have one clock; replicas on several hosts share a row of a database, and
 * compare their clocks with its clock.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { utf8 } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import { type Mark, MarkError, type MarkStore, preventsStart } from '@chancery/postgres/mark/mark';

export interface TimeReserve {
	/**
	 * The last second that an earlier process or another replica may have used; undefined when there was none.
	 * @throws {MarkInUseError} while another host has the mark, {MarkPlaceError} when its place can keep none
	 */
	begin(): Promise<number | undefined>;
	/**
	 * Reserves everything up to and including `second`. Returns the last second that another replica may have used, or an earlier
	 * process whose mark `begin` could not read.
	 * @throws {DomainError} `time-not-kept`, `clock-apart`
	 */
	extendTo(second: number): Promise<number>;
	/** Releases the mark for another process. Nothing may be reserved afterwards. */
	close(): Promise<void>;
}

const RETRY_AFTER_SECONDS = 5;
/** Only the second must be stored; the mark also requires a digest of its content. */
const NO_ROOT = new Uint8Array(32);

/** `origin` is the public URL: every other process that issues time under it must share the mark. */
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
			// A replica reserves one second more than it uses.
			const others = reached - 1;
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
				// Other errors may be temporary: no second is used before one could be reserved, and that tries again.
				if (preventsStart(error) || !(error instanceof MarkError)) throw error;
				return undefined;
			}
		},
		extendTo(second) {
			const extending = setAside(second);
			pending = extending.catch(() => undefined);
			return extending;
		},
		// A write in progress would take the mark again after it was released.
		async close() {
			await pending;
			await place.close?.();
		},
	};
}
