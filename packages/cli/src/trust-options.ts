/** The options that tell a client command where its trust comes from; `trust-sources.ts` reads it. */
import { type Command, Option } from 'commander';

export interface TrustOptions {
	readonly trustedRoot?: string;
	readonly signingConfig?: string;
	readonly data?: string;
	readonly rekorVersion?: '1' | '2';
	readonly json?: boolean;
}

export function addTrustOptions(command: Command, isSigning: boolean): Command {
	command
		.addOption(new Option('--trusted-root <file>', 'trusted_root.json to verify against').env('SIGSTORE_ROOT_FILE'))
		.option('--data <dir>', 'use the development instance with this data folder');
	if (isSigning)
		command
			.option('--signing-config <file>', 'signing_config.v0.2.json naming the services')
			.addOption(
				new Option('--rekor-version <n>', 'the log to sign with; the newest when not given').choices(['1', '2']),
			);
	return command;
}
