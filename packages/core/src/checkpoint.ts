/**
 * Checkpoints (https://c2sp.org/tlog-checkpoint): the text of the signed note by which a log states its tree.
 *
 *     rekor.example - 1193050959916656506     origin, non-empty
 *     649584076                               size, decimal without leading zeros
 *     rnpacIXSjoToEDh0qD4CLAKdkPnW1Y4R1...    root, base64 of 32 bytes
 *     Timestamp: 1700000000                   any number of non-empty extension lines
 *
 * Each line ends with a line feed, the last one too. No line may be empty: readers of notes disagree whether the first
 * or the last empty line ends the text, and here both are right.
 */
import { fromBase64, toBase64 } from './bytes.ts';
import { FormatError } from './format-error.ts';
import { HASH_LENGTH, type Hash } from './merkle.ts';

export interface Checkpoint {
	readonly origin: string;
	readonly size: number;
	readonly root: Hash;
	readonly extensions: readonly string[];
}

/** Text of a checkpoint, ready to be signed as a note. Throws FormatError for a value that has no such text. */
export function formatCheckpoint(checkpoint: {
	origin: string;
	size: number;
	root: Hash;
	extensions?: readonly string[];
}): string {
	const { origin, size, root, extensions = [] } = checkpoint;
	if (!Number.isSafeInteger(size) || size < 0) throw new FormatError('checkpoint', 'the size is not a safe integer');
	if (root.length !== HASH_LENGTH) throw new FormatError('checkpoint', 'the root does not have 32 bytes');
	const lines = [origin, String(size), toBase64(root), ...extensions];
	for (const line of lines) assertLine(line);
	return `${lines.join('\n')}\n`;
}

/**
 * Reads the text of a checkpoint. Throws FormatError; accepts exactly what `formatCheckpoint` writes, so formatting the
 * result gives the same text again.
 */
export function parseCheckpoint(text: string): Checkpoint {
	if (!text.endsWith('\n')) throw new FormatError('checkpoint', 'the last line has no end');
	const [origin, sizeText, rootText, ...extensions] = text.slice(0, -1).split('\n');
	if (origin === undefined || sizeText === undefined || rootText === undefined)
		throw new FormatError('checkpoint', 'fewer than three lines');
	for (const line of [origin, ...extensions]) assertLine(line);
	const size = Number(sizeText);
	if (!/^(0|[1-9][0-9]{0,15})$/.test(sizeText) || !Number.isSafeInteger(size))
		throw new FormatError('checkpoint', 'the size is not a decimal without leading zeros');
	const root = fromBase64(rootText);
	if (root.length !== HASH_LENGTH) throw new FormatError('checkpoint', 'the root does not have 32 bytes');
	return { origin, size, root, extensions };
}

function assertLine(line: string): void {
	// Control characters are what a note refuses; a line feed would make one line two.
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
	if (line === '' || /[\u0000-\u001f]/.test(line) || !line.isWellFormed())
		throw new FormatError('checkpoint', 'a line is empty or holds control characters');
}
