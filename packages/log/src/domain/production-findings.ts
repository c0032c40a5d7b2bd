/** What production does not start with in the section of the signature log. */
import { markFindings } from '@chancery/chassis/config/mark-section';
import { callFindings, publicUrlFindings } from '@chancery/chassis/config/process-findings';
import type { Finding } from '@chancery/chassis/config/production';
import type { LogConfig } from '../config.ts';

export function productionFindings({ v1, v2, ...places }: LogConfig): Finding[] {
	return [
		...publicUrlFindings('log.v1.publicUrl', v1.publicUrl),
		...publicUrlFindings('log.v2.publicUrl', v2.publicUrl),
		...markFindings('log', places),
		...[v1, v2].flatMap(({ export: target }, i) =>
			target?.kind === 's3' ? callFindings(`log.v${i + 1}.export.endpoint`, target.endpoint) : [],
		),
	];
}
