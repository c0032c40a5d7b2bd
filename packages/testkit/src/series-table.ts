/** The table of series in a README: printed from the list that the program registers, and compared with it. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';

/** As `chassis/series` has it; the engine has the same. */
interface SeriesRow {
	readonly name: string;
	readonly kind: string;
	readonly labels?: readonly string[];
	readonly unit: string;
	readonly help: string;
}

export function seriesRows(table: readonly SeriesRow[]): string[] {
	return table.map(({ name, kind, labels = [], unit, help }) => {
		const shown = labels.map((label) => `\`${label}\``).join(', ');
		return `| \`${name}\` | ${kind} | ${shown} | ${unit} | ${help.replaceAll('|', '\\|')} |`.replace(/\s+/g, ' ');
	});
}

/** Units that end a name. Others are counted things. */
const BASE_UNITS = ['seconds', 'bytes'];

/**
 * Tests that the README has one row for each series, in the order of the list and as the list describes it, and that
 * their names are as Prometheus wants them (https://prometheus.io/docs/practices/naming/).
 */
export function itHasSeriesTable(readme: URL, table: readonly SeriesRow[]): void {
	it('has one row for each series', async () => {
		const lines = (await readFile(readme, 'utf8')).split('\n').map((line) => line.replace(/\s+/g, ' ').trim());
		const rows = lines.filter((line) => /^\| `[a-z_]+` \| (counter|gauge|histogram) \|/.test(line));
		expect(rows).toEqual(seriesRows(table));
	});

	it.each(table)('$name is well named and described', ({ name, kind, labels = [], unit, help }) => {
		for (const word of [name, ...labels]) expect(word).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
		// `service` stands on every series already.
		for (const reserved of ['le', 'quantile', 'service']) expect(labels).not.toContain(reserved);
		expect(name.endsWith('_total')).toBe(kind === 'counter');
		expect(name).not.toMatch(/_(count|sum|bucket|info)$/);
		const plain = name.replace(/_total$/, '').replace(/_timestamp_seconds$/, '_seconds');
		for (const base of BASE_UNITS) expect([name, unit === base], name).toEqual([name, plain.endsWith(`_${base}`)]);
		expect(name).not.toMatch(/_(ms|milliseconds|minutes|hours|days|kb|mb|percent)(_|$)/);
		expect(help.length).toBeGreaterThan(10);
		expect(help).not.toContain('\n');
	});
}
