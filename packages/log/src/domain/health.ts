/**
 * Whether the service can do its work: both logs, and the queue in front of them.
 */
import type { Health } from '@chancery/chassis/service';
import type { SignatureChecks } from '@chancery/keys/checks/signature-checks';
import type { MarkWritability } from '@chancery/postgres/mark/mark-probe';
import type { Exporter } from '@chancery/tlog/export/export-job';
import type { Log } from '@chancery/tlog/log';

export interface HealthDeps {
	readonly v1: Log;
	readonly v2: Log;
	readonly checks: SignatureChecks;
	readonly maxQueuedMs: number;
	readonly marks: { readonly v1: MarkWritability; readonly v2: MarkWritability };
	/** Of the logs that are exported, by their name. */
	readonly exporters: Readonly<Record<string, Exporter>>;
}

/**
 * Ready while both logs may grow: whoever asks sends traffic to the whole process or to none. What one of them does is in
 * its `/status`. A full queue is reported and does not make the service unready: taking traffic away would not empty it
 * sooner. Nor does an export that is behind: the log itself takes and answers everything.
 */
export function healthOf({ v1, v2, marks, checks, maxQueuedMs, exporters }: HealthDeps): Health {
	const logs = { v1: checkOf(v1), v2: checkOf(v2) };
	return {
		ready: logs.v1.ok && logs.v2.ok && marks.v1.ok && marks.v2.ok,
		checks: {
			...logs,
			'mark of v1': marks.v1,
			'mark of v2': marks.v2,
			signatureChecks: checksOf(checks, maxQueuedMs),
			...Object.fromEntries(
				Object.entries(exporters).map(([name, exporter]) => [`export of ${name}`, exporter.health()]),
			),
		},
	};
}

/** Whether the log may grow, and why not. */
function checkOf(log: Log): Health['checks'][string] {
	const { writable, detail, publishedSize, unpublished } = log.health();
	return { ok: writable, detail: `${detail}; ${publishedSize} entries are published, ${unpublished} are not yet` };
}

/** How much waits, and what verifies it: without threads or the fast backend the log is right and slow. */
function checksOf(checks: SignatureChecks, maxQueuedMs: number): Health['checks'][string] {
	const { queuedMs, backend, threads, lostThreads, lastLoss } = checks.status();
	const parts = [
		`${Math.round(queuedMs)} of ${maxQueuedMs} ms of checks are waiting`,
		`ECDSA over digests by ${backend}`,
		`at most ${threads} threads`,
	];
	if (lostThreads > 0) parts.push(`${lostThreads} were lost, the last one because it ${lastLoss}`);
	return { ok: queuedMs < maxQueuedMs, detail: parts.join('; ') };
}
