/**
 * What the engine counts and measures. Whoever opens a log gives this port; each series is to be labelled with the log it
 * is of. The table below is what dashboards and READMEs are made from.
 */

/** Tells what happens, as it happens. Nothing in here may throw or wait. */
export interface EngineMetrics {
	count(name: EngineCounter, by?: number): void;
	gauge(name: EngineGauge, value: number): void;
	/** `value` in the unit of the series. */
	observe(name: EngineHistogram, value: number): void;
}

export const NO_METRICS: EngineMetrics = { count() {}, gauge() {}, observe() {} };

export type EngineCounter =
	| 'chancery_log_batches_total'
	| 'chancery_log_batch_failures_total'
	| 'chancery_log_entries_total'
	| 'chancery_log_duplicates_total'
	| 'chancery_log_overloads_total'
	| 'chancery_log_publications_total'
	| 'chancery_log_publication_failures_total'
	| 'chancery_log_mark_failures_total';

export type EngineGauge =
	| 'chancery_log_writable'
	| 'chancery_log_waiting_submissions'
	| 'chancery_log_integrated_entries'
	| 'chancery_log_unpublished_entries'
	| 'chancery_log_published_entries'
	| 'chancery_log_published_timestamp_seconds'
	| 'chancery_log_mark_entries'
	| 'chancery_log_mark_write_timestamp_seconds';

export type EngineHistogram =
	| 'chancery_log_batch_entries'
	| 'chancery_log_batch_seconds'
	| 'chancery_log_publication_seconds';

export interface EngineSeries {
	readonly name: EngineCounter | EngineGauge | EngineHistogram;
	readonly kind: 'counter' | 'gauge' | 'histogram';
	readonly unit: string;
	readonly help: string;
	/** What an operator asks that it answers. */
	readonly question: string;
	/** Upper bounds of a histogram. */
	readonly buckets?: readonly number[];
}

type Described = Pick<EngineSeries, 'unit' | 'help' | 'question'>;

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const COUNTERS: Readonly<Record<EngineCounter, Described>> = {
	chancery_log_batches_total: {
		unit: 'batches',
		help: 'Batches that this process has committed',
		question: 'How often does this process commit?',
	},
	chancery_log_batch_failures_total: {
		unit: 'attempts',
		help: 'Attempts at a batch that failed, also when the next one did not',
		question: 'Do transactions fail?',
	},
	chancery_log_entries_total: {
		unit: 'entries',
		help: 'New entries that this process has stored',
		question: 'How fast does the log grow?',
	},
	chancery_log_duplicates_total: {
		unit: 'submissions',
		help: 'Submissions answered with an entry that was there before',
		question: 'How much is submitted twice?',
	},
	chancery_log_overloads_total: {
		unit: 'submissions',
		help: 'Submissions refused because too much was waiting',
		question: 'Is the queue full?',
	},
	chancery_log_publications_total: {
		unit: 'publications',
		help: 'Checkpoints that this process has published, heartbeats included',
		question: 'Is the log published?',
	},
	chancery_log_publication_failures_total: {
		unit: 'attempts',
		help: 'Publications that failed and are tried again',
		question: 'Why is the log not published: does it try, and fail?',
	},
	chancery_log_mark_failures_total: {
		unit: 'calls',
		help: 'Reads and advances of the mark that failed or came too late',
		question: 'Can the mark be read and written?',
	},
};

const GAUGES: Readonly<Record<EngineGauge, Described>> = {
	chancery_log_writable: {
		unit: '1 or 0',
		help: 'Whether the log may grow, as far as the last attempt shows',
		question: 'Can the log grow?',
	},
	chancery_log_waiting_submissions: {
		unit: 'submissions',
		help: 'Submissions without an answer',
		question: 'How long is the queue?',
	},
	chancery_log_integrated_entries: {
		unit: 'entries',
		help: 'Size of the tree in the database, as far as this process knows: published and unpublished',
		question: 'How large is the tree?',
	},
	chancery_log_unpublished_entries: {
		unit: 'entries',
		help: 'Entries that are integrated and not yet published',
		question: 'Does publication keep up?',
	},
	chancery_log_published_entries: {
		unit: 'entries',
		help: 'Size of the published tree',
		question: 'How large is the tree that the world sees?',
	},
	chancery_log_published_timestamp_seconds: {
		unit: 'seconds',
		help: 'Time of the newest checkpoint, unix time; its age is time() minus this',
		question: 'How old is what the world sees, and does its time run ahead?',
	},
	chancery_log_mark_entries: {
		unit: 'entries',
		help: 'Size of the mark, as this process has last read or written it',
		question: 'Does the mark keep up with what is published?',
	},
	chancery_log_mark_write_timestamp_seconds: {
		unit: 'seconds',
		help: 'When this process last wrote the mark, unix time; not there before it has. An idle log does not write it',
		question: 'When was the mark last written?',
	},
};

const HISTOGRAMS: Readonly<Record<EngineHistogram, Described & { readonly buckets: readonly number[] }>> = {
	chancery_log_batch_entries: {
		unit: 'entries',
		help: 'New entries of a committed batch',
		buckets: [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
		question: 'How well are submissions grouped?',
	},
	chancery_log_batch_seconds: {
		unit: 'seconds',
		help: 'From the begin of a batch to its COMMIT',
		buckets: SECONDS,
		question: 'How long does a commit take?',
	},
	chancery_log_publication_seconds: {
		unit: 'seconds',
		help: 'A publication: comparison, signatures, COMMIT and mark',
		buckets: SECONDS,
		question: 'How long does a publication take?',
	},
};

/** All series, in a fixed order. */
export const ENGINE_SERIES: readonly EngineSeries[] = [
	...seriesOf('counter', COUNTERS),
	...seriesOf('gauge', GAUGES),
	...seriesOf('histogram', HISTOGRAMS),
];

function seriesOf<Name extends EngineSeries['name']>(
	kind: EngineSeries['kind'],
	described: Readonly<Record<Name, Described & { readonly buckets?: readonly number[] }>>,
): EngineSeries[] {
	return (Object.keys(described) as Name[]).map((name) => ({ name, kind, ...described[name] }));
}
