/** `chancery migrate`: brings the database to what this version needs. */
import { Command, Option } from 'commander';
import { configPath } from '../config-option.ts';
import { terminal } from '../terminal.ts';

/** As services exit that find migrations missing (sysexits: EX_CONFIG). */
const EXIT_MISSING = 78;

interface MigrateOptions {
	readonly config?: string;
	readonly check?: boolean;
	readonly sql?: boolean;
	readonly json?: boolean;
}

export function migrateCommand(): Command {
	return new Command('migrate')
		.description('Brings the database of services to what this version needs; services never do that themselves.')
		.argument('[services...]', 'identity, ca, log, ctlog or tuf (default: all that the file has a section for)')
		.option('--config <file>', 'configuration file (default: CHANCERY_CONFIG)')
		.option('--check', 'only say what is missing, and change nothing')
		.addOption(
			new Option('--sql', 'only print the SQL that would be run, for review and psql').conflicts(['check', 'json']),
		)
		.option('--json', 'print what was applied, or is missing, as JSON')
		.addHelpText(
			'after',
			`
Migrations only go forward, each in a transaction of its own. The command may be repeated, and may run on several machines
at once. It needs a database user who may create schemas and tables; services do not.

--sql connects as the role of the file and reads what is there. The script has the rows that tell the services so, and
gives what it makes to that role: services add partitions at run time, and only the owner of a table may.

Exit codes: 0 done, or nothing is missing; 78 with --check when something is; 1 refused or failed; 2 wrong usage.

Examples:
  $ chancery migrate --config chancery.yaml
  $ chancery migrate --check --config chancery.yaml
  $ chancery migrate --sql --config chancery.yaml > migrate.sql && psql -v ON_ERROR_STOP=1 -f migrate.sql chancery`,
		)
		.action(async (services: string[], options: MigrateOptions) => {
			const path = configPath(options.config);
			if (options.check) return check(path, services, options.json);
			if (options.sql) {
				const { writeMigrationScript } = await import('@chancery/stack/operate/migrate');
				return terminal.data((await writeMigrationScript(path, services)).trimEnd());
			}
			return migrate(path, services, options.json);
		});
}

async function migrate(path: string, services: string[], isJson: boolean | undefined): Promise<void> {
	const { migrateServices } = await import('@chancery/stack/operate/migrate');
	const done: object[] = [];
	await migrateServices(path, services, ({ service, applied }) => {
		done.push({ service, applied });
		if (isJson) return;
		terminal.data(`${service}: ${applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`}`);
	});
	if (isJson) terminal.json({ services: done });
}

async function check(path: string, services: string[], isJson: boolean | undefined): Promise<void> {
	const { findMissingMigrations } = await import('@chancery/stack/operate/migrate');
	const found = await findMissingMigrations(path, services);
	const isComplete = found.every(({ missing }) => missing.length === 0);
	if (isJson) terminal.json({ complete: isComplete, services: found });
	else
		for (const { service, missing } of found)
			terminal.data(`${service}: ${missing.length === 0 ? 'up to date' : `missing ${missing.join(', ')}`}`);
	if (isComplete) return;
	if (!isJson) terminal.error(`the database is not up to date: run 'chancery migrate --config ${path}'`);
	process.exitCode = EXIT_MISSING;
}
