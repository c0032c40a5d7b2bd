/**
 * The present time, as far as two clocks agree on it: that of this process and that of the database, which all replicas
 * share. Compared under the head lock, before the head moves, because what is stored can never be taken back: one entry
 * with a time of tomorrow would stop every replica until tomorrow.
 */
import type { Database, Sql } from '@chancery/postgres/sql';
import type { LogLimits } from '../limits.ts';
import { TlogError } from '../tlog-error.ts';

declare const compared: unique symbol;

/** Unix milliseconds of this process, compared with the database's clock. Only `comparedNow` makes one. */
export type ComparedMs = number & { readonly [compared]: true };

/** What the database's clock said, and when it was asked (monotonic clock, milliseconds). */
export interface ServerClock {
	readonly serverMs: number;
	readonly askedAtMs: number;
}

/** Somebody has to set a clock right; soon enough to notice that it was. */
const RETRY_AFTER_SECONDS = 30;

/** To be sent behind the statement that takes the lock: it runs when the lock is held. */
export async function readServerClock(sql: Sql): Promise<ServerClock> {
	const askedAtMs = performance.now();
	const [row] = await sql.query<{ now_ms: number }>(
		'select (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms',
	);
	return { serverMs: row!.now_ms, askedAtMs };
}

/**
 * This process's time, unix milliseconds, once it was compared. Never later than the database's by more than the bound.
 * @throws {TlogError} `clock-skew` when the two are certainly further apart.
 */
export function comparedNow(
	context: { readonly database: Database; readonly clock: () => number; readonly limits: LogLimits },
	server: ServerClock,
): ComparedMs {
	const { database, clock, limits } = context;
	const now = clock();
	if (database.sharesClock) return now as ComparedMs;
	// The answer is at most so old: the wait for the lock, the way here, and whatever kept the event loop busy.
	const ageMs = performance.now() - server.askedAtMs;
	const leadMs = now - server.serverMs;
	const latest = server.serverMs + limits.maxClockSkewMs;
	if (leadMs >= -limits.maxClockSkewMs && leadMs - ageMs <= limits.maxClockSkewMs)
		return Math.min(now, latest) as ComparedMs;
	const direction = leadMs > 0 ? 'ahead of' : 'behind';
	throw new TlogError(
		'clock-skew',
		`the clock of this process is ${Math.abs(leadMs)} ms ${direction} the database's (${iso(now)}, the database has ${iso(server.serverMs)}), ${limits.maxClockSkewMs} ms is the limit: one of them is wrong and has to be set right`,
		{ retryAfterSeconds: RETRY_AFTER_SECONDS },
	);
}

/** A time for people; whatever a wrong clock says must not fail here. */
export function iso(timeMs: number): string {
	const date = new Date(timeMs);
	return Number.isNaN(date.getTime()) ? `${timeMs} ms` : date.toISOString();
}
