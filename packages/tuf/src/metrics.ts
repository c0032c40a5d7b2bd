/** What the TUF repository measures beside what the chassis does. */
import type { MetricsPort, Series } from '@chancery/chassis/series';

export const TUF_SERIES = [
	{
		name: 'chancery_tuf_version',
		kind: 'gauge',
		labels: ['role'],
		unit: 'version',
		help: 'Newest published version of each role',
		question: 'Which version of each role do clients get?',
	},
	{
		name: 'chancery_tuf_expiry_timestamp_seconds',
		kind: 'gauge',
		labels: ['role'],
		unit: 'seconds',
		help: 'When the newest version of each role expires, unix time: `(x - time()) / 86400` are the days left',
		question: 'How many days has each role left?',
	},
	{
		name: 'chancery_tuf_publications_total',
		kind: 'counter',
		labels: ['role'],
		unit: 'versions',
		help: 'Versions that this process published',
		question: 'Is the metadata renewed?',
	},
	{
		name: 'chancery_tuf_read_only',
		kind: 'gauge',
		unit: 'boolean',
		help: '1 while database and mark disagree, so that nothing is published; else 0',
		question: 'Does the repository publish?',
	},
] as const satisfies readonly Series[];

export type TufMetrics = MetricsPort<typeof TUF_SERIES>;
