/** What anybody may know of the log. */
import { toBase64 } from '@chancery/core/bytes';
import type { Log } from '@chancery/tlog/log';
import type { LogIdentity } from '@chancery/tlog/log-identity';
import type { CtLogStatus } from '@chancery/wire/status';

export interface StatusDeps {
	readonly log: Pick<Log, 'health'>;
	readonly ready: boolean;
	readonly identity: Pick<LogIdentity, 'origin' | 'mode'>;
	readonly logId: Uint8Array;
	readonly mmdSeconds: number;
	readonly nowMs: number;
}

export function statusOf({ log, ready, identity, logId, mmdSeconds, nowMs }: StatusDeps): CtLogStatus {
	const { publishedSize, publishedAtMs } = log.health();
	return {
		service: 'ctlog',
		ready,
		origin: identity.origin,
		logId: toBase64(logId),
		mode: identity.mode,
		head:
			publishedAtMs === undefined
				? null
				: {
						treeSize: publishedSize,
						publishedAt: new Date(publishedAtMs).toISOString(),
						ageSeconds: Math.max(0, Math.round((nowMs - publishedAtMs) / 1000)),
					},
		maximumMergeDelaySeconds: mmdSeconds,
	};
}
