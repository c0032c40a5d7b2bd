/** `chancery attest-blob`: a keyless signature of a statement about a file. */
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { attestBlob, inTotoStatement } from '@chancery/client/sign';
import { Command } from 'commander';
import { addIdentityTokenOption, readTokenOption } from '../identity-token-option.ts';
import { terminal } from '../terminal.ts';
import { addTrustOptions, resolveSigning, type TrustOptions } from '../trust-options.ts';
import { UsageError } from '../usage-error.ts';

interface AttestOptions extends TrustOptions {
	readonly bundle: string;
	readonly predicate: string;
	readonly type: string;
	readonly identityToken?: string;
	readonly json?: boolean;
}

export function attestBlobCommand(): Command {
	const command = new Command('attest-blob')
		.description('Signs an in-toto statement about a file and writes the bundle that proves it.')
		.argument('<file>', 'the file that the statement is about')
		.requiredOption('--predicate <file>', 'JSON of the predicate')
		.requiredOption('--type <uri>', 'predicate type')
		.requiredOption('--bundle <file>', 'where to write the bundle')
		.option('--json', 'print what the signature proves as JSON');
	addTrustOptions(addIdentityTokenOption(command), true);
	return command.action(async (file: string, options: AttestOptions) => {
		const artifact = await readFile(file);
		const statement = inTotoStatement({
			name: basename(file),
			artifact,
			predicateType: options.type,
			predicate: parsePredicate(await readFile(options.predicate, 'utf8'), options.predicate),
		});
		const { bundle, evidence } = await attestBlob({ bytes: artifact }, statement, {
			...(await resolveSigning(options)),
			identityToken: await readTokenOption(options.identityToken),
			fetch,
			clock: Date.now,
			random: randomBytes,
		});
		await writeFile(options.bundle, `${JSON.stringify(bundle)}\n`);
		if (options.json)
			terminal.json({ bundle: options.bundle, identity: evidence.identity, logEntries: evidence.logEntries });
		else
			terminal.success(`statement about ${file} signed by ${evidence.identity?.subject}; bundle in ${options.bundle}`);
	});
}

function parsePredicate(text: string, path: string): unknown {
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new UsageError(`${path} is not JSON`, { cause });
	}
}
