/** `chancery attest-blob`: a keyless signature of a statement about a file. */
import { basename } from 'node:path';
import { Command } from 'commander';
import { InputFiles } from '../input-files.ts';
import { addSigningOptions, type SigningOptions } from '../signing-options.ts';
import { terminal } from '../terminal.ts';

interface AttestOptions extends SigningOptions {
	readonly predicate: string;
	readonly type: string;
}

/** Logs accept less. Readers of a bundle keep all of it in memory. */
const MAX_PREDICATE_BYTES = 16 * 1024 * 1024;

export function attestBlobCommand(): Command {
	const command = new Command('attest-blob')
		.description('Signs an in-toto statement about a file and writes the bundle that proves it.')
		.argument('<file>', "the file that the statement is about; '-' for standard input")
		.requiredOption('--predicate <file>', "JSON of the predicate; '-' for standard input")
		.requiredOption('--type <uri>', 'predicate type');
	return addSigningOptions(command).action(async (file: string, options: AttestOptions) => {
		const [{ attestBlob, inTotoStatement }, { prepareSigning, writeBundle }] = await Promise.all([
			import('@chancery/client/sign'),
			import('../prepared-signing.ts'),
		]);
		const inputs = new InputFiles();
		const predicate = await inputs.readJson(options.predicate, 'the predicate', MAX_PREDICATE_BYTES);
		const { artifact, deps, rules } = await prepareSigning(file, options, inputs);
		const statement = inTotoStatement({ name: basename(file), artifact, predicateType: options.type, predicate });
		const signed = await attestBlob(artifact, statement, deps);
		await writeBundle(signed, options, rules);
		if (!options.json && options.bundle !== '-')
			terminal.success(
				`statement about ${file === '-' ? 'standard input' : file} signed by ${signed.evidence.identity?.subject}; bundle in ${options.bundle}`,
			);
	});
}
