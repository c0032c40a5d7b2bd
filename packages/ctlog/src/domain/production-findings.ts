/** What production does not start with in the section of the CT log. */
import { markFindings } from '@chancery/chassis/config/mark-section';
import { callFindings, publicUrlFindings } from '@chancery/chassis/config/process-findings';
import type { Finding } from '@chancery/chassis/config/production';
import type { CtlogConfig } from '../config.ts';

export function productionFindings({ publicUrl, export: target, ...places }: CtlogConfig): Finding[] {
	return [
		...publicUrlFindings('ctlog.publicUrl', publicUrl),
		...markFindings('ctlog', places),
		...(target?.kind === 's3' ? callFindings('ctlog.export.endpoint', target.endpoint) : []),
	];
}
