/** `chancery tuf ...`: operating on the repository of an instance. */
import { Command, InvalidArgumentError } from 'commander';
import { defaultDataFolder } from '../default-folders.ts';
import { terminal } from '../terminal.ts';

interface AdoptRepositoryOptions {
	readonly data: string;
	readonly timestamp: number;
	readonly reason: string;
	readonly json?: boolean;
}

export function tufCommand(): Command {
	const tuf = new Command('tuf').description('Operates on the root of trust.');
	tuf
		.command('adopt-repository')
		.description(
			'Declares that the database of a stopped instance is complete, and lets its TUF repository publish again.',
		)
		.option('--data <dir>', 'data folder of the instance', defaultDataFolder())
		.requiredOption('--timestamp <version>', 'newest timestamp in the database that you found and mean', versionNumber)
		.requiredOption('--reason <text>', 'who decides this and why; kept in the database')
		.option('--json', 'print what was adopted as JSON')
		.addHelpText(
			'after',
			`
A repository keeps its newest versions in your state folder, outside of the data folder. When that copy is lost, or newer
than the database (a restored backup), the repository publishes nothing: clients that saw newer files refuse older ones
for ever. Adopting the database overrules that. The next timestamp, snapshot and targets get versions beyond those that
were seen. A root that was lost must be published again, byte for byte, before any other.

Example:
  $ chancery tuf adopt-repository --timestamp 42 --reason "state folder lost with the old disk, database complete"`,
		)
		.action(async (options: AdoptRepositoryOptions) => {
			const { adoptRepository } = await import('@chancery/stack/development/adopt-repository');
			const { previous, adopted } = await adoptRepository({ ...options, say: terminal.say });
			const versions = (of: typeof adopted) =>
				Object.fromEntries([...of].map(([role, { version }]) => [role, version]));
			if (options.json) terminal.json({ previous: previous ? versions(previous) : null, adopted: versions(adopted) });
			else terminal.success(`the repository goes on from timestamp ${options.timestamp}`);
		});
	return tuf;
}

function versionNumber(text: string): number {
	if (!/^(0|[1-9][0-9]{0,8})$/.test(text)) throw new InvalidArgumentError('expected a version number.');
	return Number(text);
}
