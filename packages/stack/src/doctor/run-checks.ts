/** Runs checks that need each other: all that can at once, each for a bounded time, and none on top of a problem. */
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

interface Outcome {
	readonly findings: readonly Finding[];
	/** The checks whose problems a check that needs this one would only repeat: itself, or those that kept it from looking. */
	readonly blamed: readonly string[];
}

/**
 * Resolves with what all checks found, in the order of the checks; each stands behind those that it needs. `onFound` hears
 * of each in the same order, as soon as all before it are there.
 */
export async function runChecks(
	checks: readonly PlannedCheck[],
	onFound: (finding: Finding) => void,
): Promise<readonly Finding[]> {
	const outcomes = new Map<string, Promise<Outcome>>();
	for (const check of checks) outcomes.set(check.name, runAfter(check, outcomes));
	const all: Finding[] = [];
	for (const outcome of outcomes.values())
		for (const finding of (await outcome).findings) {
			onFound(finding);
			all.push(finding);
		}
	return all;
}

/** What is needed and not in the list was not asked for. */
async function runAfter(check: PlannedCheck, before: ReadonlyMap<string, Promise<Outcome>>): Promise<Outcome> {
	const { name, service, needs } = check;
	const others = await Promise.all(needs.map((needed) => before.get(needed)));
	const inTheWay = [...new Set(others.flatMap((outcome) => outcome?.blamed ?? []))];
	if (inTheWay.length > 0)
		return {
			findings: [{ check: name, service, ...skipped(`not looked at: first mend ${inTheWay.join(', ')}`) }],
			blamed: inTheWay,
		};
	const found = [await runOne(check)].flat();
	return {
		findings: found.map((diagnosis) => ({ check: name, service, ...masked(diagnosis) })),
		blamed: found.some(({ verdict }) => verdict === 'problem') ? [name] : [],
	};
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
