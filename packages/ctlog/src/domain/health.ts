/** Whether the log may be sent submissions, and what an operator should know about it. */
import type { Health } from '@chancery/chassis/service';
import type { Log } from '@chancery/tlog/log';

/** Ready while the log may grow and its newest head is younger than the delay it promises. */
export function healthOf(log: Pick<Log, 'health'>, nowMs: number, mmdSeconds: number): Health {
	const { writable, detail, publishedSize, publishedAtMs, unpublished, waiting } = log.health();
	const ageSeconds =
		publishedAtMs === undefined ? Number.POSITIVE_INFINITY : Math.round((nowMs - publishedAtMs) / 1000);
	const fresh = ageSeconds < mmdSeconds;
	return {
		ready: writable && fresh,
		checks: {
			log: { ok: writable, detail },
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
