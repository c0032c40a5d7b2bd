/** `chancery identity ...`: operating on the identity provider. */
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { terminal } from '../terminal.ts';

interface RotateKeyOptions {
	readonly issuer: 'auth' | 'ci';
	readonly json?: boolean;
}

export function identityCommand(): Command {
	const identity = new Command('identity').description('Operates on the identity provider.');
	identity
		.command('rotate-key')
		.description('Plans the next key that signs identity tokens, in the file that the running service reads.')
		.argument('<file>', 'file of identity.signingJwks')
		.addOption(
			new Option('--issuer <name>', 'whose key: people and machines, or development workflows')
				.choices(['auth', 'ci'])
				.default('auth'),
		)
		.option('--json', 'print what was planned as JSON')
		.addHelpText(
			'after',
			`
The new key is published at once and signs in 15 minutes, when every verifier has seen it. The keys before it stay published
for another 15 minutes, until the last token that they signed has expired. The services read the file again by themselves;
nothing is restarted. Give all replicas the same file. Repeat the command as often as you like: while a key is planned, it
changes nothing.

A key that was stolen must not stay published: take it out of the file by hand, and restart the services.

Examples:
  $ chancery identity rotate-key ./instance/secrets/identity.jwks.json
  $ chancery identity rotate-key --json /etc/chancery/identity.jwks.json`,
		)
		.action(async (file: string, { issuer, json }: RotateKeyOptions) => {
			const { rotateIssuerKey } = await import('@chancery/stack/operate/rotate-issuer-key');
			const { kid, signsFrom, isNew } = await rotateIssuerKey({ path: resolve(file), issuer, nowMs: Date.now() });
			if (json) return terminal.json({ kid, signsFrom: signsFrom.toISOString(), isNew });
			terminal.say(
				isNew
					? `planned: the key ${kid} signs from ${signsFrom.toISOString()}`
					: `nothing changed: the key ${kid} is planned already, and signs from ${signsFrom.toISOString()}`,
			);
		});
	return identity;
}
