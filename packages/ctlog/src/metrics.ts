/** What the CT log measures beside what the chassis and the engine do. */
import type { MetricsPort, Series } from '@chancery/chassis/series';

export const CTLOG_SERIES = [
	{
		name: 'chancery_ctlog_chains_total',
		kind: 'counter',
		labels: ['type', 'result'],
		unit: 'chains',
		help: 'Chains of certificates (`x509`) and precertificates (`precert`) that were `added`, or that the log had already (`duplicate`)',
	},
] as const satisfies readonly Series[];

export type CtlogMetrics = MetricsPort<typeof CTLOG_SERIES>;
