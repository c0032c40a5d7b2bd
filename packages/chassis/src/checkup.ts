/**
 * What can be said of a service without running it: small checks, each with a name, what it needs, and a verdict with what
 * to do next. The chassis only knows their form; a service brings those that only it can make, and whoever runs them
 * brings the others. No check changes anything.
 */
import type { Signer } from '@chancery/keys/signer';
import type { MarkInspection } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import type { Clock } from './service.ts';

/** `skipped`: not looked at, because that was not asked for, or makes no sense now. */
export type Verdict = 'ok' | 'warning' | 'problem' | 'skipped';

/** One line for an operator. */
export interface Diagnosis {
	readonly verdict: Verdict;
	/** What was found, without secrets. */
	readonly found: string;
	/** What to do next: a command where there is one. Problems and warnings have it. */
	readonly advice?: string;
}

export interface Check {
	/** Stable, lower case; of a service, the service's name is put before it: `ca.chain`. */
	readonly name: string;
	/** Names of checks of the same service: when one of them finds a problem, this one would only repeat it. */
	readonly needs: readonly string[];
	/** May throw: what is thrown is a problem, and its message the finding. `signal` says that nobody waits any longer. */
	run(signal: AbortSignal): Promise<Diagnosis | readonly Diagnosis[]>;
}

/**
 * Every service with such a part has these checks, which its own may need: `keys` opens them, `migrations` has seen that
 * its schema is complete, `marks` has looked at each.
 */
export type PreparedCheck = 'keys' | 'migrations' | 'marks';

/** What the checks of a service are made from. The functions give what a needed check has prepared. */
export interface CheckupDeps<Config, Key extends string = never> {
	readonly config: Config;
	/** Needs `keys`. */
	readonly signers: () => Readonly<Record<Key, Signer>>;
	/** Refuses to write. Needs `migrations`. */
	readonly database: () => Database;
	/** Of the mark with this name. Needs `marks`. */
	readonly mark: (name: string) => MarkInspection;
	readonly clock: Clock;
	/** Undefined: nobody is to be called. */
	readonly fetch: typeof fetch | undefined;
	/** Whether this is the address of a service in the same file that does not run now. */
	readonly isStopped: (url: string) => boolean;
	/** As commands take it: `--config chancery.yaml`. */
	readonly configOption: string;
}

export const ok = (found: string): Diagnosis => ({ verdict: 'ok', found });
export const skipped = (found: string): Diagnosis => ({ verdict: 'skipped', found });
export const warning = (found: string, advice: string): Diagnosis => ({ verdict: 'warning', found, advice });
export const problem = (found: string, advice: string): Diagnosis => ({ verdict: 'problem', found, advice });

const DAY_MS = 86_400_000;

/**
 * Something that ends: a problem when it has, a warning within `warnDays` before.
 * @param what with its verb left out: `the chain`
 */
export function judgeEnd(
	what: string,
	{ endMs, nowMs, warnDays }: { readonly endMs: number; readonly nowMs: number; readonly warnDays: number },
	advice: string,
): Diagnosis {
	const end = new Date(endMs).toISOString();
	if (endMs <= nowMs) return problem(`${what} expired on ${end}`, advice);
	const days = Math.floor((endMs - nowMs) / DAY_MS);
	const found = `${what} is valid until ${end}, ${days} more ${days === 1 ? 'day' : 'days'}`;
	return days < warnDays ? warning(found, advice) : ok(found);
}
