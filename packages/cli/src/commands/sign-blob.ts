/** `chancery sign-blob`: a keyless signature of a file. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { signBlob } from '@chancery/client/sign';
import { Command } from 'commander';
import { addIdentityTokenOption, readTokenOption } from '../identity-token-option.ts';
import { terminal } from '../terminal.ts';
import { addTrustOptions, resolveSigning, type TrustOptions } from '../trust-options.ts';

interface SignOptions extends TrustOptions {
	readonly bundle: string;
	readonly identityToken?: string;
	readonly json?: boolean;
}

export function signBlobCommand(): Command {
	const command = new Command('sign-blob')
		.description('Signs a file with an ephemeral key and writes the bundle that proves it.')
		.argument('<file>', 'the file to sign')
		.requiredOption('--bundle <file>', 'where to write the bundle')
		.option('--json', 'print what the signature proves as JSON');
	addTrustOptions(addIdentityTokenOption(command), true);
	return command
		.addHelpText(
			'after',
			`
Example, with a development instance:
  $ export SIGSTORE_ID_TOKEN=$(chancery token --data DIR --email alice@example.com)
  $ chancery sign-blob --data DIR --bundle README.sigstore.json README.md

Other users of the machine can read a token that stands on the command line, so give it by SIGSTORE_ID_TOKEN or a file.`,
		)
		.action(async (file: string, options: SignOptions) => {
			const { bundle, evidence } = await signBlob(await readFile(file), {
				...(await resolveSigning(options)),
				identityToken: await readTokenOption(options.identityToken),
				fetch,
				clock: Date.now,
				random: randomBytes,
			});
			await writeFile(options.bundle, `${JSON.stringify(bundle)}\n`);
			if (options.json)
				terminal.json({ bundle: options.bundle, identity: evidence.identity, logEntries: evidence.logEntries });
			else terminal.success(`${file} signed by ${evidence.identity?.subject}; bundle in ${options.bundle}`);
		});
}
