/**
 * What the provider reports about itself: its issuer. The report is signed with a P-256 key of the issuer's published key set,
 * so anyone can compare the report's key with `<issuer>/keys`.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { signTrustReport } from '@chancery/chassis/trust-report';
import type { TrustReport } from '@chancery/wire/trust-report';
import type { IssuerKeys } from './issuer-keys.ts';

/**
 * Signs a report with the current time.
 * @throws {DomainError} `not-found` when the issuer has no P-256 key.
 */
export async function reportTrust(issuer: string, keys: IssuerKeys, clock: Clock): Promise<TrustReport> {
	if (!keys.reportSigner)
		throw new DomainError('not-found', 'the key set of this issuer has no P-256 key to sign a trust report with');
	return signTrustReport(
		{ service: 'identity', issuedAtMs: clock(), material: { kind: 'identity', issuer } },
		keys.reportSigner,
	);
}
