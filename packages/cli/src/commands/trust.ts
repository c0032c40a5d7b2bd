/** `chancery trust ...`: the keyholder's side of the root of trust. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { terminal } from '../terminal.ts';

const DEFAULT_WAIT_SECONDS = 60;

interface PublishOptions {
	readonly instance: string;
	readonly wait: number;
	readonly adminAt?: string;
	readonly tufAt?: string;
	readonly json?: boolean;
}

export function trustCommand(): Command {
	const trust = new Command('trust').description('Says which keys clients trust.');
	trust
		.command('publish')
		.description('Publishes what the services of an instance report, signed by its keyholder.')
		.requiredOption('--instance <dir>', "folder that 'chancery init' made, with its keys in offline/")
		.option('--wait <seconds>', 'how long to wait for the services', seconds, DEFAULT_WAIT_SECONDS)
		.option('--admin-at <host>', 'reach all admin listeners at this host, such as 127.0.0.1 for tunnels to them')
		.option('--tuf-at <url>', 'read what is published here instead of at the address for clients', url)
		.option('--json', 'print the result as JSON')
		.addHelpText(
			'after',
			`
Has the CT log accept the root of the CA, publishes the first root of trust, and signs the keys and certificates that the
services report, when all of them are those of the instance; otherwise nothing is signed. May be run again at any time: it
renews what ends within three months, and changes nothing else.

Example:
  $ chancery trust publish --instance ./instance`,
		)
		.action(async (options: PublishOptions) => {
			const [{ keptAnswers }, { publishTrust }] = await Promise.all([
				import('@chancery/stack/bootstrap/init/kept-answers'),
				import('@chancery/stack/operate/publish-trust'),
			]);
			const folder = resolve(options.instance);
			const answers = await keptAnswers(folder);
			const published = await publishTrust({
				folder,
				answers,
				adminAt: options.adminAt,
				tufAt: options.tufAt,
				waitMs: options.wait * 1000,
				fetch,
				say: terminal.say,
			});
			if (options.json) terminal.json(published);
			else {
				terminal.data(`mirror ${published.mirror}`);
				terminal.data(`SHA-256 of the first root: ${published.fingerprint}`);
			}
		});
	return trust;
}

function url(text: string): string {
	if (!/^https?:\/\/./.test(text) || !URL.canParse(text))
		throw new InvalidArgumentError('expected a URL such as http://127.0.0.1:8080.');
	return text.replace(/\/$/, '');
}

function seconds(text: string): number {
	if (!/^[0-9]{1,4}$/.test(text)) throw new InvalidArgumentError('expected seconds from 0 to 9999.');
	return Number(text);
}
