/** What the signature log measures beside what the chassis and the engine do. */
import type { MetricsPort, Series } from '@chancery/chassis/series';

export const LOG_SERIES = [
	{
		name: 'chancery_signature_log_entries_total',
		kind: 'counter',
		labels: ['log', 'kind', 'result'],
		unit: 'entries',
		help: 'Entries that were `added`, or that the log had already (`duplicate`), by log (`v1`, `v2`), and by kind and version',
		question: 'What kinds of entries are logged, and on which wire?',
	},
	{
		name: 'chancery_signature_log_search_duration_seconds',
		kind: 'histogram',
		unit: 'seconds',
		help: 'Time of searches in the index',
		question: 'Are searches fast enough?',
	},
	{
		name: 'chancery_signature_log_search_found_entries',
		kind: 'histogram',
		unit: 'entries',
		help: 'How many entries a search found',
		question: 'How much do searches find?',
		buckets: [0, 1, 10, 100, 1_000, 10_000],
	},
] as const satisfies readonly Series[];

export type LogServiceMetrics = MetricsPort<typeof LOG_SERIES>;
