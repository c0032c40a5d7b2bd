/** `chancery log ...`: operating on logs. */
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type InstanceOptions, instanceOf, withInstanceOptions } from '../instance-option.ts';
import { terminal } from '../terminal.ts';
import { logAuditCommand } from './log-audit.ts';
import { logCreateCommand } from './log-create.ts';
import { LOG_NAMES, type LogName } from './log-names.ts';

interface AdoptHeadOptions extends InstanceOptions {
	readonly log: LogName;
	readonly size: number;
	readonly reason: string;
	readonly json?: boolean;
}

interface AcceptLeadOptions extends InstanceOptions {
	readonly log: LogName;
	readonly time: Date;
	readonly reason: string;
	readonly json?: boolean;
}

export function logCommand(): Command {
	const log = new Command('log').description('Operates on logs, and audits them.');
	withInstanceOptions(log.command('adopt-head'))
		.description('Declares that the database of a stopped instance is complete, and lets its log grow again.')
		.addOption(new Option('--log <name>', 'which log').choices(LOG_NAMES).makeOptionMandatory())
		.requiredOption('--size <n>', 'published size that you found and mean', treeSize)
		.requiredOption('--reason <text>', 'who decides this and why; kept in the database')
		.option('--json', 'print what was adopted as JSON')
		.addHelpText(
			'after',
			`
A log keeps a copy of its last published checkpoint outside of its database; for 'up' it is in your state folder. When that copy is
lost, or newer than the database (a restored backup), the log refuses to grow: entries that somebody was promised may be
missing. Adopting the head overrules that. Whoever holds a newer checkpoint can prove that the log lost entries.

With --config the copy is where the file says (markFiles, markDatabase, markBucket). Stop every process of the log before:
only a copy in a file shows that one still runs.

Examples:
  $ chancery log adopt-head --config chancery.yaml --log v2 --size 42 --reason "marks moved to a new database"
  $ chancery log adopt-head --log v1 --size 42 --reason "state folder lost with the old disk, database complete"`,
		)
		.action(async (options: AdoptHeadOptions) => {
			const { adoptHead } = await import('@chancery/stack/operate/adopt-head');
			const { previous, adopted } = await adoptHead({ ...options, place: instanceOf(options), say: terminal.say });
			if (options.json) terminal.json({ log: options.log, previousSize: previous?.size ?? null, size: adopted.size });
			else terminal.success(`the log ${options.log} goes on from size ${adopted.size}`);
		});
	withInstanceOptions(log.command('accept-lead'))
		.description('Lets a log of a stopped instance go on whose stored time is ahead of the present.')
		.addOption(new Option('--log <name>', 'which log').choices(LOG_NAMES).makeOptionMandatory())
		.requiredOption('--time <time>', 'the stored time that you found and mean', utcTime)
		.requiredOption('--reason <text>', 'who decides this and why; kept in the database')
		.option('--json', 'print what was accepted as JSON')
		.addHelpText(
			'after',
			`
A log never gives a time before its last one. When a clock was ahead, that last time lies in the future, and the log
waits until it has come. Accepting the lead is the other way: new entries get the present time again, beginning with the
next one, and the tree heads keep the stored time until the present has caught up. What was signed stays as it is: entries
that were taken in while the clock was wrong carry a wrong time for ever. Set the clock right first. An instance of
'up' must be stopped; services of a configuration file may run.

Examples:
  $ chancery log accept-lead --config chancery.yaml --log v2 --time 2027-03-01T08:00:00.000Z --reason "NTP was off"
  $ chancery log accept-lead --log v1 --time 2027-03-01T08:00:00.000Z --reason "RTC of the host was a day ahead"`,
		)
		.action(async (options: AcceptLeadOptions) => {
			const { acceptLead } = await import('@chancery/stack/operate/accept-lead');
			const { size, resumedMs, headMs } = await acceptLead({
				...options,
				place: instanceOf(options),
				say: terminal.say,
			});
			const times = { from: new Date(resumedMs).toISOString(), until: new Date(headMs).toISOString() };
			if (options.json) terminal.json({ log: options.log, size, ...times });
			else
				terminal.success(
					`the log ${options.log} goes on: entries from index ${size} have times from ${times.from} on, tree heads stand at ${times.until} until then`,
				);
		});
	log.addCommand(logCreateCommand().copyInheritedSettings(log));
	log.addCommand(logAuditCommand().copyInheritedSettings(log));
	return log;
}

/** In the form that the refusal prints. */
function utcTime(text: string): Date {
	try {
		if (text.endsWith('Z')) return parseRfc3339(text);
	} catch {
		// The reason that follows states what is expected.
	}
	throw new InvalidArgumentError('expected a time in UTC, for example 2027-03-01T08:00:00.000Z.');
}

function treeSize(text: string): number {
	if (!/^(0|[1-9][0-9]{0,15})$/.test(text)) throw new InvalidArgumentError('expected a number of entries.');
	return Number(text);
}
