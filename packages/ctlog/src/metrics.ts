/** What the CT log measures beside what the chassis and the engine do. */
import type { MetricsPort, Series } from '@chancery/chassis/series';

export const CTLOG_SERIES = [
	{
		name: 'chancery_ctlog_chains_total',
		kind: 'counter',
		labels: ['type', 'result'],
		unit: 'chains',
		help: 'Chains of certificates (`x509`) and precertificates (`precert`) that were `added`, or that the log had already (`duplicate`)',
		question: 'How many certificates and precertificates are logged?',
	},
	{
		name: 'chancery_ctlog_max_merge_delay_seconds',
		kind: 'gauge',
		unit: 'seconds',
		help: 'The maximum merge delay that the log promises: its newest tree head must never be older',
		question: 'How old may the newest tree head become?',
	},
] as const satisfies readonly Series[];

export type CtlogMetrics = MetricsPort<typeof CTLOG_SERIES>;
