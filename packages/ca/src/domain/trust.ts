/**
 * What this authority says about itself to the root of trust, signed with the issuing key.
 */
import type { Clock } from '@chancery/chassis/service';
import { signTrustReport, type TrustReport } from '@chancery/chassis/trust-report';
import { toBase64 } from '@chancery/core/bytes';
import { parseName } from '@chancery/core/certificate';
import type { Signer } from '@chancery/keys/signer';
import type { IssuingChain } from './issuing-chain.ts';

const OID_COMMON_NAME = '2.5.4.3';
const OID_ORGANIZATION = '2.5.4.10';

export interface TrustDeps {
	readonly chain: IssuingChain;
	readonly signer: Signer;
	readonly publicUrl: string;
	readonly clock: Clock;
}

export function reportTrust({ chain, signer, publicUrl, clock }: TrustDeps): Promise<TrustReport> {
	const name = parseName(chain.issuing.subject);
	const attribute = (oid: string) => name.find((candidate) => candidate.oid === oid)?.value ?? '';
	return signTrustReport(
		{
			service: 'ca',
			issuedAtMs: clock(),
			material: {
				kind: 'certificate-authority',
				subject: { organization: attribute(OID_ORGANIZATION), commonName: attribute(OID_COMMON_NAME) },
				uri: publicUrl,
				certChain: chain.certificates.map(({ der }) => toBase64(der)),
				validForStart: chain.issuing.notBefore.toISOString(),
			},
		},
		signer,
	);
}
