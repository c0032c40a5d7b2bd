/** The commands of `chancery`, one file each. */
import { maskCredentials } from '@chancery/net/mask-credentials';
import { Command } from 'commander';
import { attestBlobCommand } from './commands/attest-blob.ts';
import { configCommand } from './commands/config.ts';
import { doctorCommand } from './commands/doctor.ts';
import { helmCommand } from './commands/helm.ts';
import { identityCommand } from './commands/identity.ts';
import { initCommand } from './commands/init.ts';
import { initializeCommand } from './commands/initialize.ts';
import { logCommand } from './commands/log.ts';
import { migrateCommand } from './commands/migrate.ts';
import { selfTestCommand } from './commands/self-test.ts';
import { serveCommand } from './commands/serve.ts';
import { signBlobCommand } from './commands/sign-blob.ts';
import { statusCommand } from './commands/status.ts';
import { tokenCommand } from './commands/token.ts';
import { trustCommand } from './commands/trust.ts';
import { tufCommand } from './commands/tuf.ts';
import { upCommand } from './commands/up.ts';
import { verifyBlobCommand } from './commands/verify-blob.ts';
import { verifyBlobAttestationCommand } from './commands/verify-blob-attestation.ts';
import { versionCommand } from './commands/version.ts';
import { terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';
import { chanceryVersion } from './version.ts';

const COMMANDS = [
	upCommand,
	initCommand,
	helmCommand,
	serveCommand,
	tokenCommand,
	initializeCommand,
	signBlobCommand,
	verifyBlobCommand,
	attestBlobCommand,
	verifyBlobAttestationCommand,
	logCommand,
	trustCommand,
	selfTestCommand,
	tufCommand,
	identityCommand,
	migrateCommand,
	configCommand,
	doctorCommand,
	statusCommand,
	versionCommand,
];

export function buildProgram(): Command {
	const program = new Command('chancery')
		.description('Keyless code signing that you run yourself.')
		.version(chanceryVersion())
		.exitOverride()
		// Commander quotes arguments that it does not understand, such as a token after a misspelt option.
		.configureOutput({
			writeErr: (text) => void process.stderr.write(maskCredentials(text)),
			outputError: (text) => terminal.error(`${text.replace(/^error: /, '')} (see --help)`),
		})
		.hook('preAction', (_, command) => refuseEmptyOptions(command))
		.addHelpText(
			'after',
			`
Environment:
  SSL_CERT_FILE        PEM file of authorities that are trusted for TLS beside the built-in ones, such as a private CA
  NODE_EXTRA_CA_CERTS  the same`,
		);
	for (const command of COMMANDS) program.addCommand(inherit(command(), program));
	return program;
}

/**
 * An option without a value is most often a script variable that was never set. If it counted as missing, it would change
 * whom to trust, so it is wrong usage. In the environment, an empty variable counts as not set.
 */
function refuseEmptyOptions(command: Command): void {
	for (const option of command.options) {
		const name = option.attributeName();
		if (command.getOptionValue(name) !== '') continue;
		if (command.getOptionValueSource(name) !== 'env') throw new UsageError(`${option.long} is empty`);
		command.setOptionValue(name, undefined);
	}
}

/** Commander copies settings to a command when it makes it, but these commands are made before they are added. */
function inherit(command: Command, parent: Command): Command {
	command.copyInheritedSettings(parent);
	for (const child of command.commands) inherit(child as Command, command);
	return command;
}
