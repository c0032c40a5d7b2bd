/** Whether a log may grow, why not, and where it stands: for health checks, and as gauges. */
import type { EngineMetrics } from '../engine-metrics.ts';
import type { MarkCheck } from '../mark/mark-check.ts';
import type { Publisher } from '../publish/publisher.ts';
import type { Sequencer } from '../sequence/sequencer.ts';
import type { AcceptedLead } from '../store/accepted-leads.ts';
import type { SubmitQueue } from '../submit/submit-queue.ts';
import { iso } from '../time/server-clock.ts';
import { TlogError } from '../tlog-error.ts';

export interface LogHealth {
	/** May the log grow, as far as the last attempt shows? */
	readonly writable: boolean;
	/** Why not; begins with `writable` when it may. */
	readonly detail: string;
	readonly publishedSize: number;
	/** Time of the newest checkpoint, unix milliseconds; undefined before the first. */
	readonly publishedAtMs: number | undefined;
	/** Integrated and not yet published entries. */
	readonly unpublished: number;
	/** Submissions without an answer. */
	readonly waiting: number;
}

export function healthOf({
	mark,
	sequencer,
	publisher,
	queue,
}: {
	readonly mark: MarkCheck;
	readonly sequencer: Sequencer;
	readonly publisher: Publisher;
	readonly queue: SubmitQueue;
}): LogHealth {
	const { current, unpublished } = publisher.head;
	const problem = mark.problem ? mark.asError() : (sequencer.problem ?? publisher.failure ?? queue.stall);
	return {
		writable: problem === undefined && current !== undefined,
		detail: problem === undefined ? detailOfLead(sequencer.lead) : detailOf(problem),
		publishedSize: current?.size ?? 0,
		publishedAtMs: current?.timestampMs,
		unpublished,
		waiting: queue.waiting,
	};
}

/** The same as gauges. */
export function reportHealth(health: LogHealth, metrics: EngineMetrics): void {
	const { writable, waiting, unpublished, publishedSize, publishedAtMs } = health;
	metrics.gauge('chancery_log_writable', writable ? 1 : 0);
	metrics.gauge('chancery_log_waiting_submissions', waiting);
	metrics.gauge('chancery_log_integrated_entries', publishedSize + unpublished);
	metrics.gauge('chancery_log_unpublished_entries', unpublished);
	metrics.gauge('chancery_log_published_entries', publishedSize);
	if (publishedAtMs !== undefined) metrics.gauge('chancery_log_published_timestamp_seconds', publishedAtMs / 1000);
}

/** A log that may grow, though its tree heads carry a time that is not the true one: whoever looks after it shall see that. */
function detailOfLead(lead: AcceptedLead | undefined): string {
	if (!lead) return 'writable';
	const seconds = Math.ceil((lead.headMs - lead.resumedMs) / 1000);
	return `writable; the time of its tree heads stands at ${iso(lead.headMs)} until then, a lead of ${seconds} s that an operator accepted at ${iso(lead.resumedMs)}`;
}

function detailOf(problem: unknown): string {
	if (problem instanceof TlogError) {
		// What the database said is for whoever runs the log; clients are shown the detail alone.
		const cause = problem.cause instanceof Error ? ` (${problem.cause.message})` : '';
		return `${problem.code}: ${problem.detail}${cause}`;
	}
	return problem instanceof Error ? problem.message : String(problem);
}
