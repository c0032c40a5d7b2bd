/**
 * What the command prints and where: data to stdout, messages to stderr. Colours only for people (a terminal, no NO_COLOR).
 */
import { maskCredentials } from '@chancery/net/mask-credentials';
import { createColors } from 'picocolors';

const isTerminal = process.stderr.isTTY === true && process.env.TERM !== 'dumb';
const colours = createColors(isTerminal && !process.env.NO_COLOR);
const MAX_ERROR_CHARS = 4000;

export const terminal = {
	/** Whether a person is watching, so that progress is useful. */
	isForPeople: isTerminal,
	/** One line of result. */
	data(line: string): void {
		process.stdout.write(`${line}\n`);
	},
	/** One JSON value, for programs. */
	json(value: unknown): void {
		process.stdout.write(`${JSON.stringify(value)}\n`);
	},
	/** A word of `doctor`, as wide as the widest. */
	verdict(word: 'ok' | 'skipped' | 'warning' | 'problem'): string {
		const padded = word.padEnd(8);
		if (process.stdout.isTTY !== true) return padded;
		return { ok: colours.green, skipped: colours.dim, warning: colours.yellow, problem: colours.red }[word](padded);
	},
	say(line: string): void {
		process.stderr.write(`${line}\n`);
	},
	/** A line that the next line replaces; the last one stays. Only for people. */
	transient(line: string): void {
		if (isTerminal) process.stderr.write(`\r\u001b[K${printable(line).slice(0, (process.stderr.columns || 80) - 1)}`);
	},
	success(line: string): void {
		process.stderr.write(`${colours.green(line)}\n`);
	},
	/**
	 * One line, whatever it contains: file names and server messages may contain line ends and escapes. It may quote an argument
	 * or a variable of the environment, and many people can read the output of CI.
	 */
	error(line: string): void {
		const words = printable(maskCredentials(line)).trim();
		const bounded = words.length > MAX_ERROR_CHARS ? `${words.slice(0, MAX_ERROR_CHARS)}...` : words;
		process.stderr.write(`${colours.red('error')}: ${bounded}\n`);
	},
	/** A fault of our program, with everything that helps to find it. */
	fault(stack: string): void {
		process.stderr.write(`${colours.red('error')}: ${maskCredentials(stack)}\n`);
	},
};

function printable(text: string): string {
	return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}
