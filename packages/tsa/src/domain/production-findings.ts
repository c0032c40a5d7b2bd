/** What production does not start with in the section of the timestamp authority. */
import { markFindings } from '@chancery/chassis/config/mark-section';
import { publicUrlFindings, subjectFindings } from '@chancery/chassis/config/process-findings';
import type { Finding } from '@chancery/chassis/config/production';
import { nameToString, parseCertificate } from '@chancery/core/certificate';
import { parsePem } from '@chancery/core/pem';
import type { TsaConfig } from '../config.ts';

export function productionFindings({
	publicUrl,
	chainPem,
	...places
}: Pick<TsaConfig, 'publicUrl' | 'chainPem' | 'markDatabase' | 'markBucket'>): Finding[] {
	return [
		...publicUrlFindings('tsa.publicUrl', publicUrl),
		...subjectFindings('tsa.chainPem', subjectsOf(chainPem)),
		...markFindings('tsa', places),
	];
}

/** Names in a chain that can be parsed. One that cannot be is refused when it is opened, with a better message. */
function subjectsOf(chainPem: string): string[] {
	try {
		return parsePem(chainPem).map(({ der }) => nameToString(parseCertificate(der).subject));
	} catch {
		return [];
	}
}
