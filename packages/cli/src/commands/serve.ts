/** `chancery serve`: services from a configuration file. */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { configPath } from '../config-option.ts';

export function serveCommand(): Command {
	return new Command('serve')
		.description('Runs services from a configuration file, all of them in one process or each where you like.')
		.argument('[services...]', 'identity, ca, log, ctlog, tsa or tuf (default: all that the file has a section for)')
		.option('--config <file>', 'configuration file (default: CHANCERY_CONFIG)')
		.option('--processes <n>', 'so many processes of this host share the listeners; auto: one per core', processes, 1)
		.addHelpText(
			'after',
			`
Nothing is made here: 'chancery migrate' and 'chancery log create' come first. A service that cannot work does not listen.
Log lines go to standard error, as JSON unless the file says otherwise. SIGTERM stops in order.

Exit codes: 0 after an orderly stop, 78 when the configuration is at fault or a command has to be run first, else 1.

Examples:
  $ chancery serve --config chancery.yaml
  $ chancery serve log ctlog --config chancery.yaml --processes auto`,
		)
		.action(async (services: string[], options: { config?: string; processes: number }) => {
			const { serveServices } = await import('@chancery/stack/serve/serve');
			await serveServices({ configPath: configPath(options.config), services, processes: options.processes });
		});
}

const MAX_PROCESSES = 256;

function processes(text: string): number {
	if (text === 'auto') return availableParallelism();
	const count = /^[1-9][0-9]{0,2}$/.test(text) ? Number(text) : 0;
	if (count < 1 || count > MAX_PROCESSES)
		throw new InvalidArgumentError(`expected a number from 1 to ${MAX_PROCESSES}, or auto.`);
	return count;
}
