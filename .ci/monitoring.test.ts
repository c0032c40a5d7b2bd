/** deploy/monitoring names series and labels that there are, and each alert has its unit tests and its page. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { namedIn } from './promql.ts';
import { ALL_SERIES } from './series.ts';

const ROOT = join(import.meta.dirname, '..');
const textOf = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Series of others, and what Prometheus adds to each of ours. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
	up: [],
	node_filesystem_avail_bytes: ['fstype'],
	node_filesystem_size_bytes: ['fstype'],
};
const ON_EVERY_SERIES = ['service', 'process', 'instance', 'job'];

/** Name of a sample -> its labels. */
const LABELS = new Map<string, readonly string[]>(Object.entries(OTHERS));
for (const { name, kind, labels = [] } of ALL_SERIES) {
	if (kind !== 'histogram') LABELS.set(name, labels);
	else for (const part of ['_sum', '_count']) LABELS.set(name + part, labels);
	if (kind === 'histogram') LABELS.set(`${name}_bucket`, [...labels, 'le']);
}

/** What `expression` names and nobody declares. */
function undeclared(expression: string): string[] {
	const { series, grouped } = namedIn(expression);
	const missing = [...series.keys()].filter((name) => !LABELS.has(name));
	const knownOf = (name: string) => [...(LABELS.get(name) ?? []), ...ON_EVERY_SERIES];
	const wrong = [...series].flatMap(([name, labels]) =>
		labels.filter((label) => !knownOf(name).includes(label)).map((label) => `${name}{${label}}`),
	);
	// Of several aggregations each may have labels that the others lack.
	const known = [...series.keys()].flatMap(knownOf);
	wrong.push(...grouped.filter((label) => !known.includes(label)).map((label) => `by (${label})`));
	return series.size === 0 ? [`no series in: ${expression}`] : [...missing, ...wrong];
}

interface Rule {
	readonly alert: string;
	readonly expr: string;
	readonly labels: { readonly severity: string };
	readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}
interface RuleTest {
	readonly name: string;
	readonly input_series: readonly { readonly series: string }[];
	readonly alert_rule_test?: readonly { readonly alertname: string; readonly exp_alerts: readonly unknown[] }[];
}

const rules = (parse(textOf('deploy/monitoring/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
	(group) => group.rules,
);
const { tests } = parse(textOf('deploy/monitoring/alerts.test.yml')) as { tests: RuleTest[] };
const page = textOf('docs/operate/alerts.md');

describe('an expression', () => {
	it.each([
		['rate(chancery_log_entrees_total[5m]) > 0', ['chancery_log_entrees_total']],
		[
			'sum by (log, isuer) (rate(chancery_log_entries_total{wire="v1"}[5m]))',
			['chancery_log_entries_total{wire}', 'by (isuer)'],
		],
		['{__name__=~"chancery_log_writable|chancery_log_readable"} == 0', ['chancery_log_readable']],
		['chancery_log_batch_seconds > 1', ['chancery_log_batch_seconds']],
		[
			'histogram_quantile(0.9, sum by (le) (rate(signer_duration_seconds_bucket{key!=""}[$__rate_interval]))) > 1e3',
			[],
		],
		['vector(1)', ['no series in: vector(1)']],
	])('is searched for what nobody declares: %s', (expression, expected) => {
		expect(undeclared(expression)).toEqual(expected);
	});
});

describe.each(rules)('$alert', ({ alert, expr, labels, annotations }) => {
	it('reads series that there are, by labels that they have', () => expect(undeclared(expr)).toEqual([]));

	it('says how bad it is, what it is, and where to read on', () => {
		expect(['critical', 'warning']).toContain(labels.severity);
		expect(Object.keys(annotations).sort()).toEqual(['description', 'runbook_url', 'summary']);
		expect(annotations.runbook_url).toMatch(new RegExp(`/docs/operate/alerts\\.md#${alert.toLowerCase()}$`));
		expect(page).toMatch(new RegExp(`^### ${alert}$`, 'm'));
		expect(page).toContain(annotations.summary);
	});

	it('is tested to fire and not to fire, with series that there are', () => {
		const own = tests.filter(({ alert_rule_test = [] }) =>
			alert_rule_test.some(({ alertname }) => alertname === alert),
		);
		const expected = own.flatMap(({ alert_rule_test = [] }) =>
			alert_rule_test.map(({ exp_alerts }) => exp_alerts.length),
		);
		expect(expected.sort()).toEqual([0, 1]);
		for (const { series } of own.flatMap(({ input_series }) => input_series))
			expect(undeclared(withoutTarget(series))).toEqual([]);
	});
});

/** A node has labels of its own beside those that an expression names. */
function withoutTarget(series: string): string {
	return series.replace(/,?mountpoint="[^"]*"/, '');
}

it('the page has no alert that is none', () => {
	const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading);
	expect(headings).toEqual(rules.map(({ alert }) => alert));
});

interface Panel {
	readonly title: string;
	readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
const { panels } = JSON.parse(textOf('deploy/monitoring/dashboard.json')) as { panels: Panel[] };

it.each(panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target }))))(
	'the dashboard reads series that there are: $title, $legendFormat',
	({ expr, legendFormat }) => {
		expect(undeclared(expr)).toEqual([]);
		const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label);
		expect(shown.filter((label) => !namedIn(expr).grouped.includes(label!))).toEqual([]);
	},
);
