/** The help of commands about a running instance: plain text, with examples that name the command itself. */
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { buildProgram } from './program.ts';

function commandNamed(words: string): Command {
	const found = words
		.split(' ')
		.reduce<Command | undefined>((at, word) => at?.commands.find((child) => child.name() === word), buildProgram());
	if (!found) throw new Error(`there is no command ${words}`);
	return found;
}

it.each(['doctor', 'status', 'log audit', 'log adopt-head', 'log accept-lead', 'tuf adopt-repository'])(
	'%s explains itself',
	(words) => {
		let help = '';
		const command = commandNamed(words).configureOutput({
			writeOut: (text) => {
				help += text;
			},
		});
		command.outputHelp();
		expect(help).toMatch(new RegExp(`^Examples?:\\n {2}\\$ chancery ${words}\\b.*--config chancery\\.yaml`, 'm'));
		expect(help).toMatch(/^ {2}--config <file> /m);
		expect(help).toMatch(/^ {2}--json /m);
		expect(help).not.toMatch(/(?!\n)\p{Cc}|undefined|\[object/u);
	},
);
