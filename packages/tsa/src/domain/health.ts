/** Whether this authority can issue timestamps, and what an operator should know about it. */
import type { Health } from '@chancery/chassis/service';
import type { MarkWritability } from '@chancery/postgres/mark/mark-probe';
import type { Authority } from './authority.ts';
import type { IssuingTime } from './issuing-time.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Ready while the whole chain is valid, the clock is not behind an issued token, and the mark can be written. */
export function healthOf(
	authority: Authority,
	time: IssuingTime,
	accuracySeconds: number,
	nowMs: number,
	mark: MarkWritability,
): Health {
	const startMs = Math.max(...authority.chain.map((certificate) => certificate.notBefore.getTime()));
	const endMs = Math.min(...authority.chain.map((certificate) => certificate.notAfter.getTime()));
	const valid = startMs <= nowMs && nowMs <= endMs;
	const behind = time.secondsBehind();
	const inTime = behind <= accuracySeconds && time.problem === undefined;
	return {
		ready: valid && inTime && mark.ok,
		checks: {
			certificate: {
				ok: valid,
				detail: valid
					? `valid for ${Math.floor((endMs - nowMs) / DAY_MS)} more days`
					: `valid from ${new Date(startMs).toISOString()} to ${new Date(endMs).toISOString()}`,
			},
			mark,
			clock: {
				ok: inTime,
				detail: time.problem ?? (behind === 0 ? 'not behind the last token' : `${behind} s behind the last token`),
			},
		},
	};
}
