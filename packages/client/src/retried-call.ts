/**
 * Calls to services that may be overloaded. Temporary failures are retried, with growing and random pauses, until a time
 * that the caller sets. Only requests that may be repeated are sent this way: a log returns the first index for a repeated
 * entry, and an extra certificate or timestamp does no harm.
 */
import { CallError, type CallInput, type CallLimits, type CallReply, call } from '@chancery/net/call';
import type { Route } from '@chancery/wire/route';

export interface RetryPolicy {
	/** No attempt begins after this moment; milliseconds since 1970 by `clock`. */
	readonly untilMs: number;
	readonly clock: () => number;
	readonly sleep: (ms: number) => Promise<void>;
	readonly random: (n: number) => Uint8Array;
	/** Called before each pause, with a message for a terminal. */
	readonly onWait: (message: string) => void;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** Overload, and what proxies answer when their server does not (RFC 9110 section 15.6, RFC 6585). */
const PASSING_STATUS = new Set([429, 502, 503, 504]);
/** Errors of connections when too many are opened at once. ECONNREFUSED is missing: it means a wrong address. */
const PASSING_CAUSE = new Set([
	'ECONNRESET',
	'ECONNABORTED',
	'EPIPE',
	'ETIMEDOUT',
	'EAI_AGAIN',
	'UND_ERR_SOCKET',
	'UND_ERR_CONNECT_TIMEOUT',
	'UND_ERR_HEADERS_TIMEOUT',
	'UND_ERR_BODY_TIMEOUT',
]);
const MAX_CAUSES = 8;

/**
 * As `call`, repeated while the failure is temporary and there is time.
 * @throws {CallError} the last failure; its message says how often and how long the call was tried
 */
export async function callWithRetries<R extends Route>(
	route: R,
	baseUrl: string,
	input: CallInput<R>,
	options: CallLimits & { readonly fetch: typeof fetch },
	retries: RetryPolicy,
): Promise<CallReply<R>> {
	const startedMs = retries.clock();
	for (let attempt = 1; ; attempt++) {
		try {
			return await call(route, baseUrl, input, options);
		} catch (error) {
			if (!(error instanceof CallError) || !isPassing(error)) throw error;
			const pauseMs = pauseAfter(attempt, error.retryAfterMs, retries.random);
			const nowMs = retries.clock();
			if (nowMs + pauseMs > retries.untilMs) throw exhausted(error, attempt, nowMs - startedMs);
			retries.onWait(`${error.message}; trying again in ${seconds(pauseMs)}`);
			await retries.sleep(pauseMs);
		}
	}
}

/** Whether the same request may succeed later, as far as the answer shows. */
function isPassing(error: CallError): boolean {
	if (error.status !== undefined) return PASSING_STATUS.has(error.status);
	let at: unknown = error.cause;
	for (let depth = 0; depth < MAX_CAUSES && at instanceof Error; depth++) {
		if (at.name === 'TimeoutError' || PASSING_CAUSE.has(String((at as { code?: unknown }).code))) return true;
		at = at.cause;
	}
	return false;
}

/**
 * The pause that the server asks for is the minimum. Beyond it, a random pause between half and all of a doubling interval,
 * so that clients that were refused together do not come back together.
 */
function pauseAfter(attempt: number, retryAfterMs: number | undefined, random: (n: number) => Uint8Array): number {
	const grown = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 16));
	const [high = 0, low = 0] = random(2);
	const scattered = (grown / 2) * (1 + (high * 256 + low) / 65_536);
	return Math.round((retryAfterMs ?? 0) + scattered);
}

function exhausted(error: CallError, attempts: number, spentMs: number): CallError {
	const { request, status, serverMessage, retryAfterMs } = error;
	const tried = attempts === 1 ? '' : `, ${attempts} times in ${seconds(spentMs)}`;
	const asked = retryAfterMs === undefined ? '' : ` (it asks to come back in ${seconds(retryAfterMs)})`;
	return new CallError({ request, status, serverMessage, retryAfterMs }, `${error.message}${tried}${asked}`, {
		cause: error,
	});
}

function seconds(ms: number): string {
	return `${ms < 10_000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)} s`;
}
