/** What this authority reports about itself: its chain and its endpoint, signed with the key that signs timestamps. */
import type { Clock } from '@chancery/chassis/service';
import { signTrustReport } from '@chancery/chassis/trust-report';
import { toBase64 } from '@chancery/core/bytes';
import { parseName } from '@chancery/core/certificate';
import type { TrustReport } from '@chancery/wire/trust-report';
import { timestamp } from '@chancery/wire/tsa';
import type { Authority } from './authority.ts';

const OID_ORGANIZATION = '2.5.4.10';
const OID_COMMON_NAME = '2.5.4.3';

/** Signs a report with the current time. The URI is the complete endpoint: clients post to exactly this URI. */
export async function reportTrust(authority: Authority, publicUrl: string, clock: Clock): Promise<TrustReport> {
	const names = parseName(authority.leaf.subject);
	const nameOf = (oid: string) => names.find((name) => name.oid === oid)?.value ?? '';
	return signTrustReport(
		{
			service: 'tsa',
			issuedAtMs: clock(),
			material: {
				kind: 'timestamp-authority',
				subject: { organization: nameOf(OID_ORGANIZATION), commonName: nameOf(OID_COMMON_NAME) },
				uri: `${publicUrl}${timestamp.path}`,
				certChain: authority.chain.map((certificate) => toBase64(certificate.der)),
				validForStart: authority.leaf.notBefore.toISOString(),
			},
		},
		authority.signer,
	);
}
