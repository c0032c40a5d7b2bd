/** `chancery log ...`: operating on logs. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { defaultDataFolder } from '../default-folders.ts';
import { terminal } from '../terminal.ts';
import { logAuditCommand } from './log-audit.ts';

interface AdoptHeadOptions {
	readonly data: string;
	readonly log: 'v1' | 'v2' | 'ctlog';
	readonly size: number;
	readonly reason: string;
	readonly json?: boolean;
}

export function logCommand(): Command {
	const log = new Command('log').description('Operates on logs, and audits them.');
	log
		.command('adopt-head')
		.description('Declares that the database of a stopped instance is complete, and lets its log grow again.')
		.option('--data <dir>', 'data folder of the instance', defaultDataFolder())
		.addOption(new Option('--log <name>', 'which log').choices(['v1', 'v2', 'ctlog']).makeOptionMandatory())
		.requiredOption('--size <n>', 'published size that you found and mean', treeSize)
		.requiredOption('--reason <text>', 'who decides this and why; kept in the database')
		.option('--json', 'print what was adopted as JSON')
		.addHelpText(
			'after',
			`
A log keeps a copy of its last published checkpoint in your state folder, outside of the data folder. When that copy is
lost, or newer than the database (a restored backup), the log refuses to grow: entries that somebody was promised may be
missing. Adopting the head overrules that. Whoever holds a newer checkpoint can prove that the log lost entries.

Example:
  $ chancery log adopt-head --log v1 --size 42 --reason "state folder lost with the old disk, database complete"`,
		)
		.action(async (options: AdoptHeadOptions) => {
			const { adoptHead } = await import('@chancery/stack/development/adopt-head');
			const { previous, adopted } = await adoptHead({ ...options, say: terminal.say });
			if (options.json) terminal.json({ log: options.log, previousSize: previous?.size ?? null, size: adopted.size });
			else terminal.success(`the log ${options.log} goes on from size ${adopted.size}`);
		});
	log.addCommand(logAuditCommand().copyInheritedSettings(log));
	return log;
}

function treeSize(text: string): number {
	if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) throw new InvalidArgumentError('expected a number of entries.');
	return Number(text);
}
