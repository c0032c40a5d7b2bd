/** The options that the signing commands share. */
import type { Command } from 'commander';
import { addIdentityTokenOption } from './identity-token-option.ts';
import { addTrustOptions, type TrustOptions } from './trust-options.ts';

export interface SigningOptions extends TrustOptions {
	readonly bundle: string;
	readonly force?: boolean;
	readonly identityToken?: string;
}

export function addSigningOptions(command: Command): Command {
	command
		.requiredOption('--bundle <file>', "where to write the bundle; '-' for standard output")
		.option('--force', 'replace what lies there, also when it is no bundle (never a file that is read)')
		.option('--json', 'print what the signature proves as JSON');
	return addTrustOptions(addIdentityTokenOption(command), true);
}
