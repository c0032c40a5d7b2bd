/** `chancery verify-blob-attestation`: checks a statement about a file, offline. */
import { VerifyError } from '@chancery/verify/verify-error';
import { Command } from 'commander';
import { addIdentityOptions, type IdentityOptions } from '../identity-options.ts';
import { terminal } from '../terminal.ts';
import { addTrustOptions, type TrustOptions } from '../trust-options.ts';

interface VerifyOptions extends TrustOptions, IdentityOptions {
	readonly bundle: string;
	readonly type?: string;
	readonly json?: boolean;
}

export function verifyBlobAttestationCommand(): Command {
	const command = new Command('verify-blob-attestation')
		.description('Verifies that a bundle holds a trusted statement about a file.')
		.argument('<file>', "the file, '-' for standard input, or sha256:<hex> of it")
		.requiredOption('--bundle <file>', 'the bundle')
		.option('--type <uri>', 'predicate type that the statement must have')
		.option('--json', 'print the evidence as JSON');
	addTrustOptions(addIdentityOptions(command), false);
	return command.action(async (file: string, options: VerifyOptions) => {
		const [{ verificationOf }, { evidenceJson, verifyFile }] = await Promise.all([
			import('../verification-options.ts'),
			import('../verify-file.ts'),
		]);
		const evidence = await verifyFile(file, options.bundle, await verificationOf(options));
		if (evidence.statement === undefined)
			throw new VerifyError(
				'statement-mismatch',
				'the bundle holds a signature of the file, not a statement; use verify-blob',
			);
		if (options.type && predicateTypeOf(evidence.statement) !== options.type)
			throw new VerifyError('statement-mismatch', 'the statement has another predicate type', {
				expected: options.type,
				found: String(predicateTypeOf(evidence.statement)),
			});
		if (options.json) terminal.json(evidenceJson(evidence));
		else
			terminal.success(
				`verified: ${file}, signed by ${evidence.identity?.subject ?? 'the given key'} at ${evidence.times[0].time.toISOString()}`,
			);
	});
}

function predicateTypeOf(statement: unknown): unknown {
	return (statement as { predicateType?: unknown } | undefined)?.predicateType;
}
