/**
 * What each log tells the root of trust about itself, signed with the log's own key.
 */
import { signTrustReport, type TrustMaterial, type TrustReport } from '@chancery/chassis/trust-report';
import { toBase64 } from '@chancery/core/bytes';
import { keyDetailsOf, parseSpki } from '@chancery/core/spki';
import type { LogStatement } from '../checkpoint-note.ts';

export interface ReportedLog {
	readonly publicUrl: string;
	readonly majorApiVersion: 1 | 2;
	readonly statement: LogStatement;
	/** Full 32 bytes. Its short form is never reported: verifiers would compare it with the whole one. */
	readonly logId: Uint8Array;
	/** When the log was created: nothing it signed is older. */
	readonly createdAt: Date;
}

export function reportTrust(log: ReportedLog, issuedAtMs: number): Promise<TrustReport> {
	const { signer } = log.statement;
	const material: TrustMaterial = {
		kind: 'tlog',
		baseUrl: log.publicUrl,
		majorApiVersion: log.majorApiVersion,
		publicKey: toBase64(signer.publicKey),
		keyDetails: keyDetailsOf(parseSpki(signer.publicKey)),
		logId: toBase64(log.logId),
		validForStart: log.createdAt.toISOString(),
	};
	return signTrustReport({ service: 'log', material, issuedAtMs }, signer);
}
