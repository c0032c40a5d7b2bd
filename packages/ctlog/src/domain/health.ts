/** Whether the log may be sent submissions, and what an operator should know about it. */
import type { Health } from '@chancery/chassis/service';
import type { SignatureChecks } from '@chancery/keys/checks/signature-checks';
import type { MarkWritability } from '@chancery/postgres/mark/mark-probe';
import type { Exporter } from '@chancery/tlog/export/export-job';
import type { Log } from '@chancery/tlog/log';
import type { CtlogConfig } from '../config.ts';

export interface HealthDeps {
	readonly log: Pick<Log, 'health'>;
	readonly nowMs: number;
	readonly config: Pick<CtlogConfig, 'mmdSeconds' | 'maxQueuedCheckMs'>;
	readonly checks: Pick<SignatureChecks, 'status'>;
	readonly exporter: Exporter | undefined;
	readonly mark: MarkWritability;
}

/**
 * Ready while the log may grow, its mark can be written, and its newest head is younger than the delay it promises. An export that is behind and a full queue of
 * signature checks are reported and change nothing about that: taking traffic away would not empty it sooner.
 */
export function healthOf({ log, nowMs, config, checks, exporter, mark }: HealthDeps): Health {
	const { mmdSeconds, maxQueuedCheckMs } = config;
	const { writable, detail, publishedSize, publishedAtMs, unpublished, waiting } = log.health();
	const { queuedMs, lostThreads, lastLoss } = checks.status();
	const ageSeconds =
		publishedAtMs === undefined ? Number.POSITIVE_INFINITY : Math.round((nowMs - publishedAtMs) / 1000);
	const fresh = ageSeconds < mmdSeconds;
	return {
		ready: writable && fresh && mark.ok,
		checks: {
			log: { ok: writable, detail },
			mark,
			signatureChecks: {
				ok: queuedMs < maxQueuedCheckMs,
				detail: `${Math.round(queuedMs)} of ${maxQueuedCheckMs} ms of checks are waiting; ${lostThreads} threads were lost${lastLoss === undefined ? '' : `, the last one because it ${lastLoss}`}`,
			},
			...(exporter ? { export: exporter.health() } : {}),
			head: {
				ok: fresh,
				detail:
					publishedAtMs === undefined
						? 'nothing has been published yet'
						: `size ${publishedSize}, ${ageSeconds} s old; ${unpublished} entries unpublished, ${waiting} waiting`,
			},
		},
	};
}
