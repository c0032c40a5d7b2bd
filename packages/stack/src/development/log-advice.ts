/**
 * What to do about a log that may not grow, for whoever started the instance. The engine's reason begins with its code,
 * and names the problem of a mark behind it. Overruling the mark is only advised where the mark is what disagrees.
 */
import type { Service } from '@chancery/chassis/service';
import { Refusal } from '../instance/refusal.ts';
import { LOGS } from '../services.ts';

const REASON = /^(?:read-only: (missing|unreadable|foreign|rolled-back|forked): )?(?:([a-z-]+): )?/;

/**
 * A log that may not grow serves what it has, but an instance with it is of no use and would only say so at the
 * self-test. The usual reason is a data folder that was restored, or a state folder that was lost.
 * @throws {Refusal}
 */
export async function requireWritableLogs(service: Service): Promise<void> {
	const logs = LOGS.filter((log) => log.service.name === service.name);
	if (logs.length === 0) return;
	const health = await service.health();
	for (const { name, checks } of logs)
		for (const check of checks) {
			const { ok, detail } = health.checks[check] ?? { ok: false, detail: 'its health is unknown' };
			if (!ok) throw new Refusal(`the log ${name} may not grow: ${detail}. ${adviceAbout(name, detail)}`);
		}
}

/** `detail` as the health of the log gives it. */
function adviceAbout(log: string, detail: string): string {
	const [, markProblem, code] = REASON.exec(detail) ?? [];
	if (markProblem)
		return `If you know that its database is complete, run 'chancery log adopt-head --log ${log}' (see --help)`;
	if (code === 'clock-lead')
		return `If this machine's clock is wrong, set it right; if it is right now and was ahead before, wait until then, or run 'chancery log accept-lead --log ${log}' (see --help)`;
	return 'The log file says more';
}
