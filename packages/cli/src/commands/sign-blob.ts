/** `chancery sign-blob`: a keyless signature of a file. */
import { Command } from 'commander';
import { addSigningOptions, type SigningOptions } from '../signing-options.ts';
import { terminal } from '../terminal.ts';

export function signBlobCommand(): Command {
	const command = new Command('sign-blob')
		.description('Signs a file with an ephemeral key and writes the bundle that proves it.')
		.argument('<file>', "the file to sign; '-' for standard input");
	return addSigningOptions(command)
		.addHelpText(
			'after',
			`
Example, with a development instance:
  $ export SIGSTORE_ID_TOKEN=$(chancery token --data DIR --email alice@example.com)
  $ chancery sign-blob --data DIR --bundle README.sigstore.json README.md

Without a token, on a terminal, it asks you to sign in. Other users of the machine can read a token that stands on the command line, so give it by SIGSTORE_ID_TOKEN or a file.`,
		)
		.action(async (file: string, options: SigningOptions) => {
			const [{ signBlob }, { prepareSigning, writeBundle }] = await Promise.all([
				import('@chancery/client/sign'),
				import('../prepared-signing.ts'),
			]);
			const { artifact, deps, rules } = await prepareSigning(file, options);
			const signed = await signBlob(artifact, deps);
			await writeBundle(signed, options, rules);
			if (!options.json && options.bundle !== '-')
				terminal.success(
					`${file === '-' ? 'standard input' : file} signed by ${signed.evidence.identity?.subject}; bundle in ${options.bundle}`,
				);
		});
}
