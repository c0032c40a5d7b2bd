/** Where a command takes the identity token from. */
import { type Command, Option } from 'commander';
import { FileProblem } from './file-problem.ts';
import type { InputFiles } from './input-files.ts';
import { UsageError } from './usage-error.ts';

const MAX_TOKEN_BYTES = 64 * 1024;

export function addIdentityTokenOption(command: Command): Command {
	return command.addOption(
		new Option('--identity-token <token>', 'identity token, or the path of a file that holds it').env(
			'SIGSTORE_ID_TOKEN',
		),
	);
}

/**
 * Returns the token, or the content of the file at that path. When the value is neither, the message does not repeat it: it
 * is probably a token with a line end, quotes or its scheme.
 * @throws {UsageError} when it is neither a token nor the path of a file with one
 */
export async function readTokenOption(value: string | undefined, inputs: InputFiles): Promise<string> {
	const given = value?.trim();
	if (!given)
		throw new UsageError(
			"give --identity-token or SIGSTORE_ID_TOKEN ('chancery token' gets one; signing on a terminal asks you to sign in)",
		);
	// Three base64url parts: a compact JWS. Anything else is a path.
	if (/^[\w-]+\.[\w-]+\.[\w-]*$/.test(given)) return given;
	try {
		return (await inputs.readText(given, 'the identity token', MAX_TOKEN_BYTES)).trim();
	} catch (cause) {
		if (!(cause instanceof FileProblem || cause instanceof UsageError)) throw cause;
		const code = (cause.cause as NodeJS.ErrnoException | undefined)?.code ?? 'it is no text, or too long for a token';
		throw new UsageError(
			`the identity token is neither a JWT (three parts joined by dots) nor the path of a file that can be read (${code})`,
			{ cause },
		);
	}
}
