/** `chancery config ...`: what a configuration file says, before a service is started with it. */
import type { ConfigCheck } from '@chancery/stack/serve/check-config';
import { Command } from 'commander';
import { configPath } from '../config-option.ts';
import { terminal } from '../terminal.ts';

/** sysexits(3), as of a service that is started with the same file. */
const EXIT_CONFIG = 78;
const MAX_VALUE_CHARS = 120;

export function configCommand(): Command {
	const config = new Command('config').description('Checks configuration files, and describes them.');
	config.addCommand(checkCommand());
	config.addCommand(schemaCommand());
	return config;
}

function checkCommand(): Command {
	return new Command('check')
		.description('Shows what services would make of a configuration file, and what is wrong with it.')
		.argument('[services...]', 'identity, ca, log, ctlog, tsa or tuf (default: all that the file has a section for)')
		.option('--config <file>', 'configuration file (default: CHANCERY_CONFIG)')
		.option('--json', 'print all of it as JSON')
		.addHelpText(
			'after',
			`
Prints each setting as it holds, with where it comes from: the file, an environment variable, or the default. Secrets are
shown by their place. Reads the files that the configuration names, and calls nobody: whether the database, keys in a token
and other services answer is for 'chancery doctor'.

Exit codes: 0 when the services would start with it, 78 when not.

Examples:
  $ chancery config check --config chancery.yaml
  $ chancery config check ca --config chancery.yaml --json`,
		)
		.action(async (services: string[], options: { config?: string; json?: boolean }) => {
			const { checkConfig } = await import('@chancery/stack/serve/check-config');
			const check = await checkConfig(configPath(options.config), services);
			if (options.json) terminal.json(check);
			else print(check);
			if (!check.isUsable) process.exitCode = EXIT_CONFIG;
		});
}

function print({ path, services, instance, settings, findings, problems, isUsable }: ConfigCheck): void {
	for (const { path: setting, value, from, variable } of settings)
		terminal.data(`${setting} = ${short(value)}  (${variable ?? from})`);
	for (const problem of problems) terminal.error(problem);
	const isProduction = instance?.profile === 'production';
	for (const { where, found, exception, isAllowed } of findings) {
		if (isProduction && !isAllowed) terminal.error(`${where}: ${found} (to allow it: '${exception}')`);
		else terminal.say(`${isProduction ? 'allowed' : 'refused in production'}: ${where}: ${found} ('${exception}')`);
	}
	if (isUsable) terminal.success(`${path} can be used by ${services.join(', ')}`);
	else terminal.say(`${path} cannot be used`);
}

/** One line, whatever was written: a chain in PEM stands there as its beginning. */
function short(value: unknown): string {
	const text = JSON.stringify(value);
	return text.length <= MAX_VALUE_CHARS ? text : `${text.slice(0, MAX_VALUE_CHARS)}... (${text.length} characters)`;
}

function schemaCommand(): Command {
	return new Command('schema')
		.description('Prints the JSON Schema of the configuration file, from which editors complete and explain.')
		.addHelpText(
			'after',
			`
Example:
  $ chancery config schema > chancery.schema.json

and as the first line of chancery.yaml, for editors with the YAML language server:
  # yaml-language-server: $schema=chancery.schema.json`,
		)
		.action(async () => {
			const { configJsonSchema } = await import('@chancery/stack/serve/config-schema');
			terminal.data(JSON.stringify(configJsonSchema(), undefined, 2));
		});
}
