/** Counts what was logged, under the kind that accepted it: names that clients made up are none of an accepted entry. */
import type { CanonicalEntry } from '@chancery/wire/entries/entry-kind';
import type { LogServiceMetrics } from '../metrics.ts';
import type { LoggedEntry } from './log-entry.ts';

export function countLogged(
	metrics: LogServiceMetrics,
	log: 'v1' | 'v2',
	{ kind, version }: Pick<CanonicalEntry, 'kind' | 'version'>,
	{ duplicate }: Pick<LoggedEntry, 'duplicate'>,
): void {
	const result = duplicate ? 'duplicate' : 'added';
	metrics.count('chancery_signature_log_entries_total', 1, { log, kind: `${kind} ${version}`, result });
}
