/** `chancery verify-blob`: checks a signature of a file, offline. */
import { VerifyError } from '@chancery/verify/verify-error';
import { Command } from 'commander';
import { addIdentityOptions, type IdentityOptions } from '../identity-options.ts';
import { terminal } from '../terminal.ts';
import { addTrustOptions, type TrustOptions } from '../trust-options.ts';

interface VerifyOptions extends TrustOptions, IdentityOptions {
	readonly bundle: string;
	readonly json?: boolean;
}

export function verifyBlobCommand(): Command {
	const command = new Command('verify-blob')
		.description('Verifies that a bundle holds a trusted signature of a file.')
		.argument('<file>', "the file, '-' for standard input, or sha256:<hex> of it")
		.requiredOption('--bundle <file>', 'the bundle')
		.option('--json', 'print the evidence as JSON');
	addTrustOptions(addIdentityOptions(command), false);
	return command.action(async (file: string, options: VerifyOptions) => {
		const [{ verificationOf }, { evidenceJson, verifyFile }] = await Promise.all([
			import('../verification-options.ts'),
			import('../verify-file.ts'),
		]);
		const evidence = await verifyFile(file, options.bundle, await verificationOf(options));
		if (evidence.statement !== undefined)
			throw new VerifyError(
				'statement-mismatch',
				'the bundle holds a statement about the file; use verify-blob-attestation',
			);
		if (options.json) terminal.json(evidenceJson(evidence));
		else
			terminal.success(
				`verified: ${file}, signed by ${evidence.identity?.subject ?? 'the given key'} at ${evidence.times[0].time.toISOString()}`,
			);
	});
}
