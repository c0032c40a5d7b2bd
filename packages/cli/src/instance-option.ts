/** `--config` or `--data`: which instance a command is about, that of a configuration file or that of `up`. */
import { type Command, Option } from 'commander';
import { defaultDataFolder } from './default-folders.ts';

export interface InstanceOptions {
	readonly config?: string;
	readonly data?: string;
}

/** Adds both; one excludes the other. */
export function withInstanceOptions(command: Command): Command {
	return command
		.addOption(
			new Option('--config <file>', 'configuration file of the services (default: CHANCERY_CONFIG)').conflicts('data'),
		)
		.option(
			'--data <dir>',
			`instead: data folder of 'chancery up' (default without CHANCERY_CONFIG: ${defaultDataFolder()})`,
		);
}

/** The one that was given, else what the environment says, else the folder that `up` uses by itself. */
export function instanceOf({ config, data }: InstanceOptions): { config: string } | { data: string } {
	if (config !== undefined) return { config };
	if (data !== undefined) return { data };
	const { CHANCERY_CONFIG: fromEnvironment } = process.env;
	return fromEnvironment ? { config: fromEnvironment } : { data: defaultDataFolder() };
}
