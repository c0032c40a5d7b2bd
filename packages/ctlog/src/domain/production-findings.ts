/** What production does not start with in the section of the CT log. */
import { callFindings, databaseFindings, publicUrlFindings } from '@chancery/chassis/config/process-findings';
import type { Finding } from '@chancery/chassis/config/production';
import type { CtlogConfig } from '../config.ts';

export function productionFindings({ publicUrl, markDatabase, export: target }: CtlogConfig): Finding[] {
	return [
		...publicUrlFindings('ctlog.publicUrl', publicUrl),
		...(markDatabase ? databaseFindings('ctlog.markDatabase', markDatabase) : []),
		...(target?.kind === 's3' ? callFindings('ctlog.export.endpoint', target.endpoint) : []),
	];
}
