/** Whether the log may be sent submissions, and what an operator should know about it. */
import type { Health } from '@chancery/chassis/service';
import type { Exporter } from '@chancery/tlog/export/export-job';
import type { Log } from '@chancery/tlog/log';

/**
 * Ready while the log may grow and its newest head is younger than the delay it promises. An export that is behind is
 * reported and changes nothing about that.
 */
export function healthOf(
	log: Pick<Log, 'health'>,
	nowMs: number,
	mmdSeconds: number,
	exporter: Exporter | undefined,
): Health {
	const { writable, detail, publishedSize, publishedAtMs, unpublished, waiting } = log.health();
	const ageSeconds =
		publishedAtMs === undefined ? Number.POSITIVE_INFINITY : Math.round((nowMs - publishedAtMs) / 1000);
	const fresh = ageSeconds < mmdSeconds;
	return {
		ready: writable && fresh,
		checks: {
			log: { ok: writable, detail },
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
