/**
 * The examples of CONTRIBUTING.md as changes of the checkout: a fenced block `ts PATH` is the whole text of a new file,
 * `diff PATH` the lines that are added to one.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NewFile {
	readonly path: string;
	readonly text: string;
}

export interface AddedLines {
	readonly path: string;
	/** Without their plus signs. */
	readonly lines: readonly string[];
}

export interface Example {
	readonly files: readonly NewFile[];
	readonly additions: readonly AddedLines[];
}

const CONTRIBUTING = join(import.meta.dirname, '../../../../CONTRIBUTING.md');
const BLOCK = /^```(\w+) (\S+)\n(.*?)^```$/gms;

/** What the section under this heading shows. */
export function exampleOf(heading: string): Example {
	const [, section] = readFileSync(CONTRIBUTING, 'utf8').split(`\n### ${heading}\n`);
	if (section === undefined) throw new Error(`CONTRIBUTING.md has no section '${heading}'`);
	const blocks = [...(section.split(/^##/m)[0] ?? '').matchAll(BLOCK)].map(([, language, path = '', text = '']) => ({
		language,
		path,
		text,
	}));
	return {
		files: blocks.filter(({ language }) => language === 'ts'),
		additions: blocks
			.filter(({ language }) => language === 'diff')
			.map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').map(withoutPlus) })),
	};
}

function withoutPlus(line: string): string {
	if (!line.startsWith('+')) throw new Error(`an example only adds lines, and this is none that is added: ${line}`);
	return line.slice(1);
}
