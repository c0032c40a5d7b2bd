/**
 * Tables for people: a heading, rows of text, columns as wide as they must be; numbers to the right.
 */

export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
	const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]?.length ?? 0)));
	const line = (cells: readonly string[]) =>
		cells
			.map((cell, i) =>
				isNumber(cell) || isNumber(rows[0]?.[i] ?? '') ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
			)
			.join('  ')
			.trimEnd();
	return [line(headings), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function isNumber(cell: string): boolean {
	return /^[-0-9.,]+( |$)/.test(cell);
}

/** Whole numbers with thousands apart; small ones with a digit or two behind the point. `-` for what is not known. */
export function figure(value: number | undefined): string {
	if (value === undefined || Number.isNaN(value)) return '-';
	if (value >= 100) return Math.round(value).toLocaleString('en-US');
	return value.toFixed(value >= 10 ? 1 : 2);
}
