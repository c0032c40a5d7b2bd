/**
 * Compares the output of a command with what a page shows. `...` in a line matches anything in that line; a line of only `...` matches
 * any number of lines. Blank lines do not count, and several blanks count as one.
 */

/** Returns undefined when they agree, else what was expected and what was found. */
export function differenceOf(shown: string, printed: string): string | undefined {
	const pattern = linesOf(shown);
	const lines = linesOf(printed);
	// As shells match `*`: when the text after a gap does not match, the last gap is extended by one line.
	let [at, next] = [0, 0];
	let gap: { readonly pattern: number; line: number } | undefined;
	let furthest = 0;
	while (at < lines.length || next < pattern.length) {
		furthest = Math.max(furthest, next);
		if (pattern[next] === '...') gap = { pattern: ++next, line: at };
		else if (at < lines.length && next < pattern.length && fits(pattern[next] ?? '', lines[at] ?? '')) {
			at++;
			next++;
		} else if (gap !== undefined && gap.line < lines.length) {
			at = ++gap.line;
			next = gap.pattern;
		} else return `not as shown: ${pattern[furthest] ?? '(the end)'}\nprinted was:\n${printed}`;
	}
	return undefined;
}

const linesOf = (text: string): string[] =>
	text
		.split('\n')
		.map((line) => line.replaceAll(/\s+/g, ' ').trim())
		.filter((line) => line !== '');

function fits(pattern: string, line: string): boolean {
	const parts = pattern.split('...').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
	return new RegExp(`^${parts.join('.*')}$`).test(line);
}
