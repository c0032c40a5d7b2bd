/**
 * Whether the service can do its work: both logs, and the queue in front of them.
 */
import type { Health } from '@chancery/chassis/service';
import type { Log } from '@chancery/tlog/log';
import type { SignatureChecks } from './signature-checks.ts';

export interface HealthDeps {
	readonly v1: Log;
	readonly v2: Log;
	readonly checks: SignatureChecks;
	readonly maxQueuedMs: number;
}

/** A full queue is reported and does not make the service unready: taking traffic away would not empty it sooner. */
export async function healthOf({ v1, v2, checks, maxQueuedMs }: HealthDeps): Promise<Health> {
	const logs = { v1: await logHealth(v1), v2: await logHealth(v2) };
	const queuedMs = Math.round(checks.queuedMs());
	return {
		ready: logs.v1.ok && logs.v2.ok,
		checks: {
			...logs,
			signatureChecks: { ok: queuedMs < maxQueuedMs, detail: `${queuedMs} of ${maxQueuedMs} ms of checks are waiting` },
		},
	};
}
