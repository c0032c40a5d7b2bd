/** Where a signing command takes the identity token from. */
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { UsageError } from './usage-error.ts';

export function addIdentityTokenOption(command: Command): Command {
	return command.addOption(
		new Option('--identity-token <token>', 'identity token, or the path of a file that holds it').env(
			'SIGSTORE_ID_TOKEN',
		),
	);
}

/** @throws UsageError */
export async function readTokenOption(value: string | undefined): Promise<string> {
	if (!value)
		throw new UsageError(
			"give --identity-token or SIGSTORE_ID_TOKEN (a development instance mints one: 'chancery token')",
		);
	// Three base64url parts: a compact JWS. Anything else is a path.
	if (/^[\w-]+\.[\w-]+\.[\w-]*$/.test(value)) return value;
	return (await readFile(value, 'utf8')).trim();
}
