/**
 * What the command prints and where: stdout is data, stderr is talk. Colours only for people (a terminal, no NO_COLOR).
 */
import { maskCredentials } from '@chancery/wire/mask-credentials';
import { createColors } from 'picocolors';

const colours = createColors(process.stderr.isTTY === true && !process.env.NO_COLOR);

export const terminal = {
	/** One line of result. */
	data(line: string): void {
		process.stdout.write(`${line}\n`);
	},
	/** One JSON value, for machines. */
	json(value: unknown): void {
		process.stdout.write(`${JSON.stringify(value)}\n`);
	},
	say(line: string): void {
		process.stderr.write(`${line}\n`);
	},
	success(line: string): void {
		process.stderr.write(`${colours.green(line)}\n`);
	},
	/** What failed may quote an argument or a variable of the environment, and terminals of CI are read by many. */
	error(line: string): void {
		process.stderr.write(`${colours.red('error')}: ${maskCredentials(line)}\n`);
	},
};
