/**
 * What to do about a log that may not grow, for whoever started the instance. The engine's reason begins with its code,
 * and names the problem of a mark behind it. Overruling the mark is only advised where the mark is what disagrees.
 */

const REASON = /^(?:read-only: (missing|unreadable|foreign|rolled-back|forked): )?(?:([a-z-]+): )?/;

/** `detail` as the health of the log gives it. */
export function adviceAbout(log: 'v1' | 'v2' | 'ctlog', detail: string): string {
	const [, markProblem, code] = REASON.exec(detail) ?? [];
	if (markProblem)
		return `If you know that its database is complete, run 'chancery log adopt-head --log ${log}' (see --help)`;
	if (code === 'clock-lead')
		return `If this machine's clock is wrong, set it right; if it is right now and was ahead before, wait until then, or run 'chancery log accept-lead --log ${log}' (see --help)`;
	return 'The log file says more';
}
