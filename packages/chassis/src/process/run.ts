/** Runs one service in a process of its own: `main.ts` of a service is one call of `run` with its definition. */
import { parseArgs } from 'node:util';
import { ConfigError } from '../config/config.ts';
import type { ServiceDefinition } from '../service-definition.ts';
import { serve } from './serve.ts';

/**
 * Reads `--config FILE` (or `CHANCERY_CONFIG`), starts the service and stays until SIGTERM or SIGINT. See `serve` for how
 * it ends.
 */
export async function run(definition: ServiceDefinition): Promise<void> {
	const { name } = definition;
	if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
		process.stdout.write(
			`Runs the service '${name}' of Chancery.\n\nUsage: main.ts --config FILE   (or CHANCERY_CONFIG=FILE)\n\n'chancery serve ${name} --config FILE' does the same.\n`,
		);
		return;
	}
	await serve({ name, plan: async () => ({ path: configPath(), definitions: [definition] }) });
}

function configPath(): string {
	const path = readArguments().config ?? process.env.CHANCERY_CONFIG;
	if (path === undefined) throw new ConfigError('no configuration: give --config FILE or set CHANCERY_CONFIG');
	return path;
}

function readArguments() {
	try {
		return parseArgs({ options: { config: { type: 'string' } }, strict: true }).values;
	} catch {
		// What they are is not repeated: a password or a URL with one, on the wrong side of an option, would be logged.
		throw new ConfigError('the arguments are not valid: --config FILE is the only one');
	}
}
