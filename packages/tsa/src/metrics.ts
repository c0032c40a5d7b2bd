/** What the timestamp authority measures beside what the chassis does. */
import type { MetricsPort, Series } from '@chancery/chassis/series';

export const TSA_SERIES = [
	{
		name: 'chancery_tsa_timestamps_issued_total',
		kind: 'counter',
		unit: 'timestamps',
		help: 'Timestamps that were issued',
		question: 'How many timestamps are issued?',
	},
	{
		name: 'chancery_tsa_timestamps_refused_total',
		kind: 'counter',
		labels: ['reason'],
		unit: 'requests',
		help: 'Requests for a timestamp that were refused or failed, by code, whether the refusal is in JSON or in DER',
		question: 'Which requests for a timestamp are refused, and why?',
	},
	{
		name: 'chancery_tsa_signing_duration_seconds',
		kind: 'histogram',
		unit: 'seconds',
		help: 'Time that the key takes to sign a timestamp',
		question: 'How fast is the key of the timestamps?',
	},
	{
		name: 'chancery_tsa_clock_behind_seconds',
		kind: 'gauge',
		unit: 'seconds',
		help: 'How far the clock is behind the last second that may stand in a token; beyond the accuracy nothing is issued',
		question: 'Did the clock go back?',
	},
	{
		name: 'chancery_tsa_chain_expiry_timestamp_seconds',
		kind: 'gauge',
		unit: 'seconds',
		help: 'End of the first certificate of the chain that ends, unix time',
		question: 'How many days has the chain of the TSA left?',
	},
] as const satisfies readonly Series[];

export type TsaMetrics = MetricsPort<typeof TSA_SERIES>;
