/** What anybody may know of this authority. */
import type { Health } from '@chancery/chassis/service';
import type { TokenVerifier } from '@chancery/chassis/tokens/token-verifier';
import { toBase64 } from '@chancery/core/bytes';
import { describeCertificate } from '@chancery/core/certificate';
import type { CaStatus } from '@chancery/wire/status';
import type { CtLog } from './ct-log.ts';
import type { IssuingChain } from './issuing-chain.ts';

export interface StatusDeps {
	readonly chain: IssuingChain;
	readonly ctLog: CtLog;
	readonly tokens: TokenVerifier;
	readonly health: () => Promise<Health>;
}

/** The CT log by its key and not by its address, which may lie within the instance. */
export async function statusOf({ chain, ctLog, tokens, health }: StatusDeps): Promise<CaStatus> {
	const { ready } = await health();
	return {
		service: 'ca',
		ready,
		chain: chain.certificates.map(describeCertificate),
		ctLogId: toBase64(ctLog.logId),
		issuers: Object.entries(tokens.states()).map(([issuer, { ok }]) => ({ issuer, available: ok })),
	};
}
