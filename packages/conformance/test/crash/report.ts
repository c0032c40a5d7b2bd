/** What a campaign prints: progress while it runs, one table at its end. */
import type { KillCounts } from './kill-campaign.ts';
import type { Ledger } from './ledger.ts';
import type { LogName } from './proposals.ts';
import type { WriterCounts } from './writers.ts';

/** Past vitest, which would hold the lines back until the test has ended. */
export function say(text: string): void {
	process.stderr.write(`${text}\n`);
}

export interface Summary {
	readonly seed: string;
	readonly seconds: number;
	readonly kills: KillCounts;
	readonly writers: WriterCounts;
	readonly ledgers: readonly Ledger[];
	readonly judged: { readonly trees: number; readonly entries: number; readonly proofs: number };
	readonly lookSeconds: readonly number[];
	readonly sizes: Readonly<Record<LogName, number>>;
	readonly fsck: string;
}

export function summaryOf(summary: Summary): string {
	const { kills, writers, ledgers, judged } = summary;
	const { server, database, both } = kills.byTarget;
	const list = (counts: object) =>
		Object.entries(counts)
			.map(([name, count]) => `${count} ${name}`)
			.join(', ');
	const repeats = ledgers.reduce((sum, ledger) => sum + ledger.repeats, 0);
	const rows: readonly (readonly [string, string])[] = [
		['seed', summary.seed],
		['duration', `${Math.round(summary.seconds)} s`],
		['kills', `${server + database + both}: ${list(kills.byTarget)}`],
		['of the database', list(kills.byDatabaseKill)],
		['while starting', `${kills.duringStart}; ${kills.startsGivenUp} starts ended for want of a database`],
		['recovery', quantiles(kills.recoverySeconds)],
		['acknowledgements', `${writers.acknowledged}: ${list(writers.byWire)}`],
		['of them repeats', `${repeats}, each with the first index, leaf, time and receipt`],
		['retries', `${writers.lost} without an answer, ${writers.turnedAway} after 429 or 503`],
		['entries', list(summary.sizes)],
		['signed trees seen', ledgers.map((ledger) => `${ledger.trees} ${ledger.name}`).join(', ')],
		['judge', `${judged.entries} entries and ${judged.trees} trees compared, ${judged.proofs} proofs verified`],
		['a look takes', quantiles(summary.lookSeconds)],
		["Tessera's fsck", summary.fsck],
		['violations', '0'],
	];
	const width = Math.max(...rows.map(([name]) => name.length));
	return ['', ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), ''].join('\n');
}

/** Seconds: median, 99th percentile, longest. */
export function quantiles(seconds: readonly number[]): string {
	const sorted = seconds.toSorted((a, b) => a - b);
	const at = (share: number) =>
		(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(2);
	return `p50 ${at(0.5)} s, p99 ${at(0.99)} s, max ${at(1)} s`;
}
