/**
 * What a page asks its reader to do, read from its markdown: fenced blocks, each with the output that is shown below it.
 * docs/clients/README.md says to readers what the words behind the fence mean.
 */

export interface Block {
	/** Of the opening fence, from 1. */
	readonly line: number;
	/**
	 * `run`: pasted, and must succeed. `fails`: one command, pasted, and must be refused. `serves`: runs beside all that
	 * follows, once it is ready. `install`: brings a client. `start`: `npm start` and `npm test`, without which nobody
	 * reads this. `not-run`: left out for the reason above it.
	 */
	readonly how: 'run' | 'fails' | 'serves' | 'install' | 'start' | 'not-run';
	readonly code: string;
	/** What the page shows as its output; undefined: the page does not say. */
	readonly output: string | undefined;
	/** The paragraph above the fence, on one line. */
	readonly above: string;
}

export interface Page {
	readonly blocks: readonly Block[];
	/** What a page must not have; a sentence each. */
	readonly faults: readonly string[];
}

const HOW: Readonly<Record<string, Block['how']>> = {
	sh: 'run',
	'sh fails': 'fails',
	'sh serves': 'serves',
	'sh install': 'install',
	'sh not-run': 'not-run',
};
/** With any options: those are tried where `up` is tested. */
const START = /^npm (start|test)\b/;
/** Begins the paragraph above a block that is left out, so that readers see it as well. */
const REASON = /^Not run by the tests: \S/;

export function readPage(markdown: string): Page {
	const faults: string[] = [];
	const blocks: Block[] = [];
	let isOutputNext = false;
	for (const { line, info, text, above } of fencesIn(markdown, faults)) {
		const previous = blocks.at(-1);
		if (info === 'text' && isOutputNext && previous !== undefined) {
			blocks[blocks.length - 1] = { ...previous, output: text };
			isOutputNext = false;
			continue;
		}
		const how = HOW[info] === 'run' && isStart(text) ? 'start' : HOW[info];
		isOutputNext = how !== undefined && how !== 'install' && how !== 'not-run';
		if (how === undefined) faults.push(`line ${line}: a block '${info}' that is neither run nor the output of one`);
		else blocks.push({ line, how, code: text, output: undefined, above });
	}
	for (const block of blocks) faults.push(...faultsOf(block).map((fault) => `line ${block.line}: ${fault}`));
	return { blocks, faults };
}

function* faultsOf({ how, code, output, above }: Block): Generator<string> {
	if (how === 'not-run' && !REASON.test(above))
		yield "is not run, and no 'Not run by the tests: ...' above it says why";
	if (how !== 'fails') return;
	// Of several commands another one than is meant could be the one that fails, and for another reason.
	if (commandsIn(code) !== 1) yield 'is to be refused, and has not one command';
	if (output === undefined) yield 'is to be refused, and does not show how';
}

/** Whether the reader's shell sees it. */
export const isPasted = ({ how }: Block): boolean => how === 'run' || how === 'fails' || how === 'serves';

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
