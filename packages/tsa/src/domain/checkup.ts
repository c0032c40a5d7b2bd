/** What only this authority can say of itself before it runs: its chain, and whether its time would go on. */
import { type Check, type CheckupDeps, type Diagnosis, judgeEnd, ok, problem } from '@chancery/chassis/checkup';
import type { TsaConfig } from '../config.ts';
import { openAuthority } from './authority.ts';

/** As long as it takes to have a new chain issued and into the trusted root; the alert rules say the same. */
const WARN_DAYS = 60;

type Deps = CheckupDeps<TsaConfig, 'signer'>;

export function checkup(deps: Deps): readonly Check[] {
	return [
		{ name: 'chain', needs: ['keys'], run: async () => checkChain(deps) },
		{ name: 'time', needs: ['marks'], run: async () => checkTime(deps) },
	];
}

function checkChain({ config, signers, clock, configOption }: Deps): Diagnosis {
	const { chain } = openAuthority({ chainPem: config.chainPem, signer: signers().signer });
	const nowMs = clock();
	const advice = `issue a new chain for the key, have it in the trusted root, and name it in tsa.chainPem ('chancery config check tsa ${configOption}')`;
	const startMs = Math.max(...chain.map(({ notBefore }) => notBefore.getTime()));
	if (nowMs < startMs)
		return problem(`the chain is valid from ${new Date(startMs).toISOString()} only`, 'wait, or look at the clock');
	const endMs = Math.min(...chain.map(({ notAfter }) => notAfter.getTime()));
	return judgeEnd(`the chain of ${chain.length} for the key`, { endMs, nowMs, warnDays: WARN_DAYS }, advice);
}

/** The two rules of `issuing-time` and `time-reserve`: not behind the last token, not apart from the shared clock. */
function checkTime({ config: { accuracySeconds }, mark, clock }: Deps): Diagnosis {
	const { mark: last, clockMs: sharedMs } = mark('mark');
	const nowMs = clock();
	const advice = 'set the clock of this host right: timedatectl, chronyc tracking';
	const apartMs = sharedMs === undefined ? 0 : Math.abs(nowMs - sharedMs);
	if (apartMs > accuracySeconds * 1000)
		return problem(
			`the clock is ${(apartMs / 1000).toFixed(1)} s away from that of the database of the marks; tokens promise ${accuracySeconds} s`,
			advice,
		);
	if (!last) return ok('no timestamp has been given yet');
	const behind = last.size - Math.floor(nowMs / 1000);
	if (behind > accuracySeconds)
		return problem(
			`the clock is ${behind} s behind the last token, of ${new Date(last.size * 1000).toISOString()}; tokens promise ${accuracySeconds} s`,
			advice,
		);
	return ok(`not behind the last token, of ${new Date(last.size * 1000).toISOString()}`);
}
