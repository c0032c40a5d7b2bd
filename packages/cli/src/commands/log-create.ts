/** `chancery log create`: begins the logs that a configuration file describes. */
import { Command } from 'commander';
import { configPath } from '../config-option.ts';
import { terminal } from '../terminal.ts';

export function logCreateCommand(): Command {
	return new Command('create')
		.description('Begins the logs of the sections log and ctlog, with their keys; services never do that themselves.')
		.option('--config <file>', 'configuration file (default: CHANCERY_CONFIG)')
		.option('--json', 'print the logs as JSON')
		.addHelpText(
			'after',
			`
A log keeps its origin, its tree id, its public key, and whether it is for development or production, for good: a service
that is configured otherwise does not start. Run it once, after 'chancery migrate' and before the services; repeating it
changes nothing.

Example:
  $ chancery log create --config chancery.yaml`,
		)
		.action(async (options: { config?: string; json?: boolean }) => {
			const { createConfiguredLogs } = await import('@chancery/stack/operate/create-logs');
			const logs = await createConfiguredLogs(configPath(options.config));
			if (options.json) terminal.json({ logs });
			else
				for (const { log, isNew, mode } of logs)
					terminal.data(`${log}: ${isNew ? `created, for ${mode}` : 'was there already'}`);
		});
}
