/** What anybody may know of one of the logs. */
import { toBase64 } from '@chancery/core/bytes';
import type { MarkWritability } from '@chancery/postgres/mark/mark-probe';
import type { LogIdentity } from '@chancery/tlog/log-identity';
import type { SignatureLogStatus } from '@chancery/wire/status';
import type { SignatureLogV1, SignatureLogV2 } from './signature-log.ts';

/** `ready` is about this log alone: the other one may be well. */
export function statusOf(
	{ log, statement, logId }: SignatureLogV1 | SignatureLogV2,
	about: {
		readonly apiVersion: 1 | 2;
		readonly mode: LogIdentity['mode'];
		readonly nowMs: number;
		readonly mark: MarkWritability;
	},
): SignatureLogStatus {
	const { writable, publishedSize, publishedAtMs } = log.health();
	return {
		service: 'log',
		apiVersion: about.apiVersion,
		ready: writable && about.mark.ok,
		origin: statement.origin,
		logId: toBase64(logId),
		mode: about.mode,
		head:
			publishedAtMs === undefined
				? null
				: {
						treeSize: publishedSize,
						publishedAt: new Date(publishedAtMs).toISOString(),
						ageSeconds: Math.max(0, Math.round((about.nowMs - publishedAtMs) / 1000)),
					},
	};
}
