/** What this log says about itself: the signed report for the trusted root, and the entry of a log list. */
import type { Clock } from '@chancery/chassis/service';
import { signTrustReport } from '@chancery/chassis/trust-report';
import { toBase64 } from '@chancery/core/bytes';
import { keyDetailsOf, parseSpki } from '@chancery/core/spki';
import type { Signer } from '@chancery/keys/signer';
import type { LogDescription } from '@chancery/wire/ct';
import type { TrustReport } from '@chancery/wire/trust-report';
import type { CtlogConfig } from '../config.ts';
import { logIdOf } from './sct.ts';

/**
 * Signs a report of this moment with the key of the log.
 * @param validForStart when the log began: SCTs before it are not its own
 */
export async function reportTrust(
	signer: Signer,
	at: { publicUrl: string; validForStart: Date; clock: Clock },
): Promise<TrustReport> {
	return signTrustReport(
		{
			service: 'ctlog',
			issuedAtMs: at.clock(),
			material: {
				kind: 'ctlog',
				baseUrl: at.publicUrl,
				publicKey: toBase64(signer.publicKey),
				keyDetails: keyDetailsOf(parseSpki(signer.publicKey)),
				logId: toBase64(logIdOf(signer)),
				validForStart: at.validForStart.toISOString(),
			},
		},
		signer,
	);
}

/** The log as a log list describes it. */
export function describeLog(signer: Signer, config: CtlogConfig): LogDescription {
	return {
		description: config.description,
		log_id: toBase64(logIdOf(signer)),
		key: toBase64(signer.publicKey),
		url: `${config.publicUrl}/`,
		mmd: config.mmdSeconds,
	};
}
