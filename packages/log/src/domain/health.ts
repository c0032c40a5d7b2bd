/**
 * Whether the service can do its work: both logs, and the queue in front of them.
 */
import type { Health } from '@chancery/chassis/service';
import type { Exporter } from '@chancery/tlog/export/export-job';
import type { Log } from '@chancery/tlog/log';
import type { SignatureChecks } from './signature-checks.ts';

export interface HealthDeps {
	readonly v1: Log;
	readonly v2: Log;
	readonly checks: SignatureChecks;
	readonly maxQueuedMs: number;
	/** Of the logs that are exported, by their name. */
	readonly exporters: Readonly<Record<string, Exporter>>;
}

/**
 * A full queue is reported and does not make the service unready: taking traffic away would not empty it sooner. Nor
 * does an export that is behind: the log itself takes and answers everything.
 */
export function healthOf({ v1, v2, checks, maxQueuedMs, exporters }: HealthDeps): Health {
	const logs = { v1: checkOf(v1), v2: checkOf(v2) };
	const queuedMs = Math.round(checks.queuedMs());
	return {
		ready: logs.v1.ok && logs.v2.ok,
		checks: {
			...logs,
			signatureChecks: { ok: queuedMs < maxQueuedMs, detail: `${queuedMs} of ${maxQueuedMs} ms of checks are waiting` },
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
