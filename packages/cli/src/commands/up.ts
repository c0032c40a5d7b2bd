/** `chancery up`: a whole development instance in one process. */
import { Command, InvalidArgumentError } from 'commander';
import { defaultDataFolder } from '../default-folders.ts';
import { terminal } from '../terminal.ts';

export function upCommand(): Command {
	return new Command('up')
		.description('Runs every service on this machine, with an embedded database, development keys and a TUF root.')
		.option('--data <dir>', 'folder for keys, database and logs', defaultDataFolder())
		.option('--port-base <n>', 'first of ten ports on loopback (default 7400, or what the folder was made with)', port)
		.option('--once', 'stop with exit code 0 after the self-test')
		.option('--json', 'print instance.json as one line instead of instructions')
		.addHelpText(
			'after',
			`
Examples:
  $ chancery up
  $ chancery up --data ./instance --port-base 7500
  $ chancery up --data "$(mktemp -d)" --once`,
		)
		.action(async (options: { data: string; portBase?: number; once?: boolean; json?: boolean }) => {
			// Loaded only here: no other command should pay for the services.
			const { up } = await import('@chancery/stack/up/up');
			process.exitCode = await up({
				data: options.data,
				...(options.portBase === undefined ? {} : { portBase: options.portBase }),
				isOnce: options.once === true,
				isJson: options.json === true,
				output: terminal,
			});
		});
}

/** The first of ten ports that an ordinary user may open. */
function port(text: string): number {
	if (!/^[0-9]{4,5}$/.test(text) || Number(text) < 1024 || Number(text) > 65526)
		throw new InvalidArgumentError('expected a port number from 1024 to 65526.');
	return Number(text);
}
