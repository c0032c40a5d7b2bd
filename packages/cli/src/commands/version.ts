/** `chancery version`: what runs here, for whoever reports a fault or compares hosts. */
import { arch, platform } from 'node:os';
import { Command } from 'commander';
import { terminal } from '../terminal.ts';
import { chanceryVersion } from '../version.ts';

export function versionCommand(): Command {
	return new Command('version')
		.description('Prints the version of this command and of what it runs on.')
		.option('--json', 'print it as JSON')
		.action((options: { json?: boolean }) => {
			const { node, openssl } = process.versions;
			const versions = { version: chanceryVersion(), node, openssl, platform: platform(), architecture: arch() };
			if (options.json) terminal.json(versions);
			else for (const [name, value] of Object.entries(versions)) terminal.data(`${name}: ${value}`);
		});
}
