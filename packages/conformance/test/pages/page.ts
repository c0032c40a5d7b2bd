/**
 * Parses the markdown of a page into what the reader has to do: fenced blocks, each with the output shown below it.
 * CONTRIBUTING.md explains the words behind the fence.
 */

export interface Block {
	/** Line of the opening fence, from 1. */
	readonly line: number;
	/**
	 * `run`: is pasted and must succeed. `fails`: one command that is pasted and must be refused. `serves`: runs until the
	 * page ends; the next block waits until it is ready. `beside`: the same, and nothing waits. `file`: a file that the reader
	 * writes. `settings`: an excerpt of a configuration file. `install`: installs a client. `start`: `npm start` and
	 * `npm test`, which other tests run. `compose`, `kubernetes`, `systemd`: need such a machine, so a test of peers runs
	 * them. `not-run`: is not run; the paragraph above says why.
	 */
	readonly how:
		| 'run'
		| 'fails'
		| 'serves'
		| 'beside'
		| 'file'
		| 'settings'
		| 'install'
		| 'start'
		| 'not-run'
		| Elsewhere;
	readonly code: string;
	/** Of a `file`: its path, as the reader sees it. */
	readonly path?: string;
	/** The output that the page shows; undefined when it shows none. */
	readonly output: string | undefined;
	/** The paragraph above the fence, on one line. */
	readonly above: string;
}

/** What runs a block that needs more than a machine of its own. */
export const ELSEWHERE = ['compose', 'kubernetes', 'systemd'] as const;
export type Elsewhere = (typeof ELSEWHERE)[number];
export const isElsewhere = (how: Block['how']): how is Elsewhere => (ELSEWHERE as readonly string[]).includes(how);

export interface Page {
	readonly blocks: readonly Block[];
	/** What is wrong with the page; one sentence each. */
	readonly faults: readonly string[];
}

const HOW: Readonly<Record<string, Block['how']>> = {
	sh: 'run',
	'sh fails': 'fails',
	'sh serves': 'serves',
	'sh beside': 'beside',
	'sh compose': 'compose',
	'sh kubernetes': 'kubernetes',
	'sh systemd': 'systemd',
	'yaml settings': 'settings',
	'sh install': 'install',
	'sh not-run': 'not-run',
};
/** Drawn in letters, to be looked at. */
const PICTURE = 'text picture';
/** A language, for whoever looks at the page, and the path of the file. */
const FILE = /^(?:yaml|json|ini|nginx|sql|haproxy|text) (\/[\w./-]+|[\w-]+\.[\w.-]+)$/;
/** With any options: the tests of `up` try them. */
const START = /^npm (start|test)\b/;
/** Beginning of the paragraph above a block that is not run, so that readers see the reason too. */
const REASON = /^Not run by the tests: \S/;

const WITHOUT_OUTPUT: ReadonlySet<Block['how']> = new Set(['install', 'not-run', 'beside', 'file', 'settings']);
/** What the shell of the reader does. */
const PASTED: ReadonlySet<Block['how']> = new Set(['run', 'fails', 'serves', 'beside', 'file']);

export function readPage(markdown: string): Page {
	const faults: string[] = [];
	const blocks: Block[] = [];
	let isOutputNext = false;
	for (const { line, info, text, above } of fencesIn(markdown, faults)) {
		if (info === PICTURE) continue;
		const previous = blocks.at(-1);
		if (info === 'text' && isOutputNext && previous !== undefined) {
			blocks[blocks.length - 1] = { ...previous, output: text };
			isOutputNext = false;
			continue;
		}
		const [, path] = FILE.exec(info) ?? [];
		const how = path !== undefined ? 'file' : HOW[info] === 'run' && isStart(text) ? 'start' : HOW[info];
		isOutputNext = how !== undefined && !WITHOUT_OUTPUT.has(how);
		if (how === undefined) faults.push(`line ${line}: a block '${info}' that is neither run nor the output of one`);
		else blocks.push({ line, how, code: text, output: undefined, above, ...(path === undefined ? {} : { path }) });
	}
	for (const block of blocks) faults.push(...faultsOf(block).map((fault) => `line ${block.line}: ${fault}`));
	return { blocks, faults };
}

function* faultsOf({ how, code, output, above }: Block): Generator<string> {
	if (how === 'not-run' && !REASON.test(above))
		yield "is not run, and no 'Not run by the tests: ...' above it says why";
	if (how !== 'fails') return;
	// With several commands, the wrong one could fail, and for another reason.
	if (commandsIn(code) !== 1) yield 'is to be refused, and has not one command';
	if (output === undefined) yield 'is to be refused, and does not show how';
}

/** Whether it is pasted into the reader's shell. */
export const isPasted = ({ how }: Block): boolean => PASTED.has(how);

const isStart = (code: string): boolean => code.split('\n').every((line) => START.test(line));

const commandsIn = (code: string): number => code.trim().replaceAll('\\\n', '').split('\n').length;

interface Fence {
	readonly line: number;
	readonly info: string;
	readonly text: string;
	readonly above: string;
}

function* fencesIn(markdown: string, faults: string[]): Generator<Fence> {
	const lines = markdown.split('\n');
	for (let i = 0; i < lines.length; i++) {
		const opening = /^(\s*)(`{3,}|~{3,})(.*)$/.exec(lines[i] ?? '');
		if (opening === null) continue;
		const [, indent, fence, info = ''] = opening;
		if (indent !== '' || fence !== '```') faults.push(`line ${i + 1}: a fence of another form than three backticks`);
		const end = lines.findIndex((text, at) => at > i && text.trim() === fence);
		if (end === -1) {
			faults.push(`line ${i + 1}: a block without an end`);
			return;
		}
		yield { line: i + 1, info: info.trim(), text: lines.slice(i + 1, end).join('\n'), above: paragraphAbove(lines, i) };
		i = end;
	}
}

function paragraphAbove(lines: readonly string[], fence: number): string {
	let end = fence;
	while (end > 0 && lines[end - 1]?.trim() === '') end--;
	let start = end;
	while (start > 0 && lines[start - 1]?.trim() !== '') start--;
	return lines.slice(start, end).join(' ').trim();
}
