/** What only this authority can say of itself before it runs: its chain, the issuers it accepts tokens of, and its CT log. */
import {
	type Check,
	type CheckupDeps,
	type Diagnosis,
	judgeEnd,
	ok,
	problem,
	skipped,
} from '@chancery/chassis/checkup';
import { configuredKeys, transportTo } from '@chancery/chassis/tokens/issuer-key-source';
import { fetchKeySet } from '@chancery/chassis/tokens/key-set';
import { maskCredentials } from '@chancery/net/mask-credentials';
import { fetchTransport } from '@chancery/net/transport';
import type { CaConfig } from '../config.ts';
import type { IssuerSettings } from '../issuers/issuer-type.ts';
import { describeCtLog, probeCtLog } from './ct-log.ts';
import { chainProblem, openIssuingChain } from './issuing-chain.ts';
import { LEAF_LIFETIME_MS } from './leaf-certificate.ts';

/** As long as it takes to have a new chain issued and into the trusted root; the alert rules say the same. */
const WARN_DAYS = 60;
/** As long as the authority itself waits for an issuer. */
const ANSWER_WITHIN_MS = 5_000;

type Deps = CheckupDeps<CaConfig, 'issuing'>;

export function checkup(deps: Deps): readonly Check[] {
	return [
		{ name: 'chain', needs: ['keys'], run: async () => checkChain(deps) },
		{
			name: 'issuers',
			needs: [],
			run: (signal) => Promise.all(deps.config.issuers.map((settings) => checkIssuer(deps, settings, signal))),
		},
		{ name: 'ct-log', needs: ['chain'], run: () => checkCtLog(deps) },
	];
}

function checkChain({ config, signers, clock, configOption }: Deps): Diagnosis {
	const chain = openIssuingChain(config.chainPem, signers().issuing);
	const nowMs = clock();
	const endMs = Math.min(...chain.certificates.map(({ notAfter }) => notAfter.getTime()));
	const advice = `issue a new chain for the key, name it in ca.chainPem, and have it in the trusted root before it issues ('chancery config check ca ${configOption}')`;
	const reason = endMs > nowMs ? chainProblem(chain, nowMs, LEAF_LIFETIME_MS) : undefined;
	if (reason !== undefined) return problem(reason, advice);
	return judgeEnd(
		`the chain of ${chain.certificates.length} for the key`,
		{ endMs, nowMs, warnDays: WARN_DAYS },
		advice,
	);
}

async function checkIssuer(
	{ fetch, isStopped }: Deps,
	settings: IssuerSettings,
	signal: AbortSignal,
): Promise<Diagnosis> {
	const { issuer } = settings;
	const keys = configuredKeys(settings);
	if (keys)
		return ok(
			`${issuer} is not asked: its ${keys.length === 1 ? 'key stands' : `${keys.length} keys stand`} in the configuration`,
		);
	if (!fetch) return skipped(`${issuer} was not asked`);
	if (isStopped(issuer)) return skipped(`${issuer} is of this file and does not run`);
	try {
		const { algorithms } = await fetchKeySet(
			issuer,
			transportTo(settings, fetch),
			AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
		);
		return ok(`${issuer} answers with its discovery document and keys (${algorithms.join(', ')})`);
	} catch (error) {
		return problem(
			`the keys of ${issuer} cannot be had: ${reasonOf(error)}`,
			`look at it from this host: curl -f ${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
		);
	}
}

/** Whoever asks here is the operator, who may know of the network. */
function reasonOf(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	if (error.name === 'TimeoutError') return 'no answer in time';
	const cause =
		error.cause instanceof Error ? ` (${error.cause.message || (error.cause as NodeJS.ErrnoException).code})` : '';
	return maskCredentials(`${error.message.split('\n')[0]}${cause}`);
}

async function checkCtLog({ config, signers, fetch, isStopped }: Deps): Promise<Diagnosis> {
	const { url } = config.ctlog;
	if (!fetch) {
		describeCtLog(config.ctlog, fetchTransport(globalThis.fetch));
		return skipped(`${url} was not asked; its configured key can be read`);
	}
	const log = describeCtLog(config.ctlog, fetchTransport(fetch));
	if (isStopped(url)) return skipped(`${url} is of this file and does not run; its configured key can be read`);
	const { ok: isWell, detail } = await probeCtLog(log, openIssuingChain(config.chainPem, signers().issuing));
	if (isWell) return ok(`${url}: ${detail}`);
	return problem(
		`${url}: ${detail}`,
		`register the root of the CA there ('chancery trust publish --instance DIR'), or look at it: curl -f ${url}/ct/v1/get-roots`,
	);
}
