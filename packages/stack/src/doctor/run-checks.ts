/** Runs checks that need each other: each for a bounded time, and none on top of a problem. */
import type { Check, Diagnosis } from '@chancery/chassis/checkup';
import { problem, skipped } from '@chancery/chassis/checkup';
import { within } from '@chancery/chassis/http/within';
import { ChanceryError } from '@chancery/core/chancery-error';
import { maskCredentials } from '@chancery/net/mask-credentials';

/** A check with its full name, and whose it is. */
export interface PlannedCheck extends Check {
	/** Undefined: of the instance as a whole. */
	readonly service: string | undefined;
	/** What to do about a problem for which the check itself has no words. */
	readonly advice: string;
	/** Milliseconds; absent: `CHECK_WITHIN_MS`. */
	readonly withinMs?: number;
}

export interface Finding extends Diagnosis {
	/** Full name of the check. */
	readonly check: string;
	readonly service: string | undefined;
}

/** Longer than the timeouts of a database connection and of a statement together, which say more. */
const CHECK_WITHIN_MS = 15_000;

/**
 * Runs the checks one after the other, each behind those that it needs: to open an encrypted key keeps the whole process
 * busy, and the time of an answer that is waited for meanwhile would run out. Resolves with what all found; `onFound`
 * hears of each at once.
 */
export async function runChecks(
	checks: readonly PlannedCheck[],
	onFound: (finding: Finding) => void,
): Promise<readonly Finding[]> {
	const all: Finding[] = [];
	/** By check: those whose problems it would only repeat, itself included. Without: it was looked at, and all is well. */
	const blamed = new Map<string, readonly string[]>();
	for (const check of checks) {
		const { name, service, needs } = check;
		// What is needed and not in the list was not asked for.
		const inTheWay = [...new Set(needs.flatMap((needed) => blamed.get(needed) ?? []))];
		const found =
			inTheWay.length > 0
				? [skipped(`not looked at: first mend ${inTheWay.join(', ')}`)]
				: [await runOne(check)].flat();
		if (inTheWay.length > 0) blamed.set(name, inTheWay);
		else if (found.some(({ verdict }) => verdict === 'problem')) blamed.set(name, [name]);
		for (const diagnosis of found) {
			const finding = { check: name, service, ...masked(diagnosis) };
			onFound(finding);
			all.push(finding);
		}
	}
	return all;
}

async function runOne({
	run,
	advice,
	withinMs = CHECK_WITHIN_MS,
}: PlannedCheck): Promise<Diagnosis | readonly Diagnosis[]> {
	const over = new AbortController();
	try {
		return await within(withinMs, run(over.signal), () => new Late(withinMs));
	} catch (error) {
		return problem(wordsOf(error), advice);
	} finally {
		over.abort();
	}
}

class Late extends Error {
	constructor(withinMs: number) {
		super(`no answer within ${withinMs / 1000} seconds`);
	}
}

/** Errors that are thrown on purpose speak to people; of the others it is said that they were not expected. */
function wordsOf(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const { code, syscall } = error as NodeJS.ErrnoException;
	const detail =
		'detail' in error && error instanceof ChanceryError && typeof error.detail === 'string'
			? error.detail
			: error.message;
	if (error instanceof ChanceryError || error instanceof Late) return detail;
	// What a driver or the system says: a code, and words without a stack.
	if (code !== undefined || syscall !== undefined)
		return `${error.message || 'failed'}${error.message.includes(String(code)) ? '' : ` (${code})`}`;
	return `the check itself failed: ${error.name}: ${error.message}`;
}

/** One line each, whatever a server said, and without what looks like a credential. */
function masked({ verdict, found, advice }: Diagnosis): Diagnosis {
	const line = (text: string) =>
		maskCredentials(text)
			.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
			.trim();
	return { verdict, found: line(found), ...(advice === undefined ? {} : { advice: line(advice) }) };
}
