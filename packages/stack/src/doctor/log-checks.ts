/** The logs of a service: whether each is the configured one, fits its mark, and could go on now. */
import { type Check, type CheckupDeps, type Diagnosis, ok, problem } from '@chancery/chassis/checkup';
import type { Profile } from '@chancery/chassis/config/production';
import type { ServiceSettings } from '@chancery/chassis/process/process-settings';
import { lookAtLog, lookAtMark, lookAtTime } from '@chancery/tlog/look-at-log';
import { TlogError } from '@chancery/tlog/tlog-error';
import { type InstanceLog, LOGS } from '../services.ts';

export interface LogCheckDeps extends CheckupDeps<unknown, string> {
	readonly profile: Profile;
}

export function logChecks({ definition }: ServiceSettings, deps: LogCheckDeps): Check[] {
	return LOGS.filter(({ service }) => service.name === definition.name).flatMap((log): Check[] => [
		{ name: log.name, needs: ['migrations', 'keys'], run: () => checkLog(log, deps) },
		{ name: `${log.name}-mark`, needs: [log.name, 'marks'], run: () => compareMark(log, deps) },
		{ name: `${log.name}-time`, needs: [log.name], run: () => checkTime(log, deps) },
	]);
}

function lookedAt({ schema, identity, key, name }: InstanceLog, { config, profile, signers, database }: LogCheckDeps) {
	const signer = signers()[key];
	if (!signer) throw new Error(`the log ${name} has no key`);
	// The list of the logs does not know whose configuration is whose; this one is of the service that keeps the log.
	return { database: database(), schema, identity: identity(config as never, signer, profile) };
}

async function checkLog(log: InstanceLog, deps: LogCheckDeps): Promise<Diagnosis> {
	const at = lookedAt(log, deps);
	return explained(
		async () => {
			const { head, published } = await lookAtLog(at);
			const { origin } = at.identity;
			if (!published) return ok(`${origin}: ${entries(head.size)}, nothing published yet`);
			return ok(
				`${origin}: ${entries(head.size)}, ${published.size} published at ${new Date(published.timestampMs).toISOString()}`,
			);
		},
		({ detail }) =>
			detail.includes('has not been created')
				? `chancery log create ${deps.configOption}`
				: 'name the origin, the key and the database that belong together; an entry that was signed keeps naming them',
	);
}

async function compareMark(log: InstanceLog, deps: LogCheckDeps): Promise<Diagnosis> {
	const at = lookedAt(log, deps);
	const inspection = deps.mark(log.mark);
	const { published } = await lookAtLog(at);
	const adopt = `chancery log adopt-head ${deps.configOption} --log ${log.name} --size ${published?.size ?? 0} --reason "..."`;
	return explained(
		async () => {
			const { head } = await lookAtMark(at, inspection);
			return ok(
				`${entries(head.size)}, among them all ${inspection.mark?.size ?? 0} that the mark says were published`,
			);
		},
		() => `find out which of the two is right, and connect the newest database; to adopt this one: ${adopt}`,
	);
}

async function checkTime(log: InstanceLog, deps: LogCheckDeps): Promise<Diagnosis> {
	const at = lookedAt(log, deps);
	const { head } = await lookAtLog(at);
	return explained(
		async () => {
			await lookAtTime(at, deps.clock());
			return ok('its last time is not ahead of the clock');
		},
		() =>
			`wait until that time has come, or accept it: chancery log accept-lead ${deps.configOption} --log ${log.name} --time ${new Date(head.timestampMs).toISOString()} --reason "..."`,
	);
}

async function explained(look: () => Promise<Diagnosis>, advice: (error: TlogError) => string): Promise<Diagnosis> {
	try {
		return await look();
	} catch (error) {
		if (!(error instanceof TlogError)) throw error;
		return problem(error.detail, advice(error));
	}
}

function entries(count: number): string {
	return count === 1 ? '1 entry' : `${count} entries`;
}
