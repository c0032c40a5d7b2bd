/** All series of all packages, and what prints their table in docs/operate/metrics.md. */
import { CA_SERIES } from '../packages/ca/src/metrics.ts';
import {
	CHASSIS_SERIES,
	CHECK_SERIES,
	DATABASE_SERIES,
	MARK_SERIES,
	PROCESS_SERIES,
	SIGNER_SERIES,
} from '../packages/chassis/src/chassis-series.ts';
import type { Series } from '../packages/chassis/src/series.ts';
import { CTLOG_SERIES } from '../packages/ctlog/src/metrics.ts';
import { IDENTITY_SERIES } from '../packages/identity/src/metrics.ts';
import { LOG_SERIES } from '../packages/log/src/metrics.ts';
import { ENGINE_SERIES } from '../packages/tlog/src/engine-metrics.ts';
import { TSA_SERIES } from '../packages/tsa/src/metrics.ts';
import { TUF_SERIES } from '../packages/tuf/src/metrics.ts';

/** Whose series they are -> the series, in the order of the page. */
export const SERIES_BY_OWNER: Readonly<Record<string, readonly Series[]>> = {
	'Each log (`v1`, `v2`, `ctlog`)': ENGINE_SERIES.map((series) => ({ ...series, labels: ['log'] })),
	'Signature log (`log`)': LOG_SERIES,
	'Certificate transparency log (`ctlog`)': CTLOG_SERIES,
	'Certificate authority (`ca`)': CA_SERIES,
	'Timestamp authority (`tsa`)': TSA_SERIES,
	'TUF repository (`tuf`)': TUF_SERIES,
	'Identity provider (`identity`)': IDENTITY_SERIES,
	'Every service': CHASSIS_SERIES,
	'Services that sign (`ca`, `log`, `ctlog`, `tsa`, `tuf`)': SIGNER_SERIES,
	'Services with a mark (`log`, `ctlog`, `tsa`, `tuf`)': MARK_SERIES,
	'Services with a database (all but `tsa`)': DATABASE_SERIES,
	'Logs, which check the signatures of strangers': CHECK_SERIES,
	'Every process': PROCESS_SERIES,
};

export const ALL_SERIES: readonly Series[] = Object.values(SERIES_BY_OWNER).flat();

export const SERIES_PAGE = 'docs/operate/metrics.md';
const BEGIN = '<!-- printed by npm run metrics -->';
const END = '<!-- end of what is printed -->';

/** The page with the tables as the packages declare them; everything around them stays as it is. */
export function withSeriesTables(page: string): string {
	const [before, rest] = page.split(BEGIN);
	const after = rest?.split(END)[1];
	if (before === undefined || after === undefined) throw new Error(`${SERIES_PAGE} lacks its marks: ${BEGIN}, ${END}`);
	const sections = Object.entries(SERIES_BY_OWNER).map(
		([owner, series]) =>
			`### ${owner}\n\n| series | kind | labels | unit | meaning | the question it answers |\n|---|---|---|---|---|---|\n${series.map(rowOf).join('\n')}\n`,
	);
	return `${before}${BEGIN}\n\n${sections.join('\n')}\n${END}${after}`;
}

function rowOf({ name, kind, labels = [], unit, help, question }: Series): string {
	const shown = labels.map((label) => `\`${label}\``).join(', ');
	const cells = [`\`${name}\``, kind, shown, unit, help, question].map((cell) => cell.replaceAll('|', '\\|'));
	return `| ${cells.join(' | ')} |`;
}
