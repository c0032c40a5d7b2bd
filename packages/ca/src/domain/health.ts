/**
 * Whether certificates can be issued now, and if not, what is missing.
 */
import type { Clock, Health } from '@chancery/chassis/service';
import type { TokenVerifier } from '@chancery/chassis/tokens/token-verifier';
import type { Sql } from '@chancery/postgres/sql';
import { probeStore } from '../store/issuances.ts';
import { type CtLog, probeCtLog } from './ct-log.ts';
import { chainProblem, type IssuingChain } from './issuing-chain.ts';
import { LEAF_LIFETIME_MS } from './leaf-certificate.ts';

export interface HealthDeps {
	readonly database: Sql;
	readonly clock: Clock;
	readonly chain: IssuingChain;
	readonly ctLog: CtLog;
	readonly tokens: TokenVerifier;
}

/** Probes may ask every second, and several of them do: the log is asked once in this time. */
const CT_PROBE_INTERVAL_MS = 5_000;
const DAY_MS = 24 * 3_600_000;

type Check = Health['checks'][string];

/** Ready: chain valid, database and CT log reachable. An issuer that is down is shown and does not count. */
export function createHealth(deps: HealthDeps): () => Promise<Health> {
	let probedAtMs = Number.NEGATIVE_INFINITY;
	let probe: Promise<Check> | undefined;
	const askCtLog = (): Promise<Check> => {
		// A clock that was set back must not keep an old answer for ever.
		const nowMs = deps.clock();
		if (probe === undefined || Math.abs(nowMs - probedAtMs) >= CT_PROBE_INTERVAL_MS) {
			probedAtMs = nowMs;
			probe = probeCtLog(deps.ctLog, deps.chain);
		}
		return probe;
	};
	return async () => {
		const [ctLog, database] = await Promise.all([askCtLog(), askDatabase(deps.database)]);
		const required = { chain: checkChain(deps.chain, deps.clock()), ctLog, database };
		const issuers = Object.entries(deps.tokens.states()).map(([issuer, state]) => [`issuer ${issuer}`, state] as const);
		return {
			ready: Object.values(required).every(({ ok }) => ok),
			checks: { ...required, ...Object.fromEntries(issuers) },
		};
	};
}

function checkChain(chain: IssuingChain, nowMs: number): Check {
	const problem = chainProblem(chain, nowMs, LEAF_LIFETIME_MS);
	if (problem !== undefined) return { ok: false, detail: problem };
	const endsMs = Math.min(...chain.certificates.map(({ notAfter }) => notAfter.getTime()));
	return { ok: true, detail: `valid for ${Math.floor((endsMs - nowMs) / DAY_MS)} more days` };
}

async function askDatabase(database: Sql): Promise<Check> {
	try {
		await probeStore(database);
		return { ok: true, detail: 'answers' };
	} catch {
		// The driver's words name hosts and users; the log has them where the failure matters.
		return { ok: false, detail: 'does not answer, or has not been migrated' };
	}
}
