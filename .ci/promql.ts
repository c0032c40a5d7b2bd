/** What a PromQL expression reads: enough of the language to find the series and labels that it names. */

export interface Named {
	/** Series -> labels that it is asked for by. */
	readonly series: ReadonlyMap<string, readonly string[]>;
	/** Labels by which results are grouped or joined. */
	readonly grouped: readonly string[];
}

const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const SELECTOR = /([a-zA-Z_:][\w:]*)?\{((?:[^}"]|"(?:[^"\\]|\\.)*")*)\}/g;
const MATCHER = /(\w+)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g;
const WORDS_OF_THE_LANGUAGE = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring']);

export function namedIn(expression: string): Named {
	const series = new Map<string, string[]>();
	const grouped: string[] = [];
	const note = (name: string, labels: readonly string[]) => series.set(name, [...(series.get(name) ?? []), ...labels]);
	const rest = expression
		.replace(GROUPING, (_, list: string) => {
			grouped.push(...(list.match(/\w+/g) ?? []));
			return ' ';
		})
		.replace(SELECTOR, (_, name: string | undefined, inside: string) => {
			const matchers = [...inside.matchAll(MATCHER)].map(([, label = '', value = '']) => ({ label, value }));
			const labels = matchers.map(({ label }) => label).filter((label) => label !== '__name__');
			const named = matchers.filter(({ label }) => label === '__name__').flatMap(({ value }) => value.split('|'));
			for (const each of name === undefined ? named : [name]) note(each, labels);
			return ' ';
		})
		.replace(/\[[^\]]*\]/g, ' ');
	for (const [, word = ''] of rest.matchAll(/(?<![\w.$])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])/g))
		if (!WORDS_OF_THE_LANGUAGE.has(word)) note(word, []);
	return { series, grouped };
}
