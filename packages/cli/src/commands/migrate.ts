/** `chancery migrate`: brings the database to what this version needs. */
import { Command } from 'commander';
import { configPath } from '../config-option.ts';
import { terminal } from '../terminal.ts';

export function migrateCommand(): Command {
	return new Command('migrate')
		.description('Brings the database of services to what this version needs; services never do that themselves.')
		.argument('[services...]', 'identity, ca, log, ctlog or tuf (default: all that the file has a section for)')
		.option('--config <file>', 'configuration file (default: CHANCERY_CONFIG)')
		.option('--json', 'print what was applied as JSON')
		.addHelpText(
			'after',
			`
Migrations only go forward, each in a transaction of its own. The command may be repeated, and may run on several machines
at once. It needs a database user who may create schemas and tables; services do not.

Example:
  $ chancery migrate --config chancery.yaml`,
		)
		.action(async (services: string[], options: { config?: string; json?: boolean }) => {
			const { migrateServices } = await import('@chancery/stack/operate/migrate');
			const done: object[] = [];
			await migrateServices(configPath(options.config), services, ({ service, applied }) => {
				done.push({ service, applied });
				if (options.json) return;
				terminal.data(`${service}: ${applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`}`);
			});
			if (options.json) terminal.json({ services: done });
		});
}
