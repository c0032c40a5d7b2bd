/** `chancery self-test`: a signature end to end on an instance that `chancery init` made. */
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

interface SelfTestOptions {
	readonly instance: string;
	readonly identityToken?: string;
	readonly email?: string;
	readonly issuer?: string;
	readonly artifact: string;
	readonly filesAt?: string;
	readonly command: string;
	readonly tokenCommand?: string;
	readonly fetchCommand?: string;
	readonly json?: boolean;
}

const README = join(import.meta.dirname, '../../../../README.md');

export function selfTestCommand(): Command {
	return new Command('self-test')
		.description('Fetches the trust of an instance, signs and verifies with it, and prints how clients use it.')
		.requiredOption('--instance <dir>', "folder that 'chancery init' made")
		.option('--identity-token <token>', 'of the organization’s issuer; an instance with a development login needs none')
		.option('--email <address>', 'whom that token names')
		.option('--issuer <url>', 'who issued it')
		.option('--artifact <file>', 'what is signed', README)
		.option('--files-at <dir>', 'where DIR/trust lies for whoever pastes the printed commands')
		.option('--command <path>', 'this command there', 'chancery')
		.option('--fetch-command <command>', 'what brings DIR/trust there')
		.option('--token-command <command>', 'what prints a token there')
		.option('--json', 'print where the files for clients lie as JSON')
		.addHelpText(
			'after',
			`
Writes trusted_root.json, signing_config.v0.2.json and client_trust_config.json into DIR/trust.

Example:
  $ chancery self-test --instance ./instance`,
		)
		.action(async (options: SelfTestOptions) => {
			const [{ keptAnswers }, { runSelfTest }, { addresses, clientInstructions, trusting }] = await Promise.all([
				import('@chancery/stack/bootstrap/init/kept-answers'),
				import('@chancery/stack/operate/self-test'),
				import('@chancery/stack/development/instructions'),
			]);
			const folder = resolve(options.instance);
			const answers = await keptAnswers(folder);
			const { issuer, files, tlsCa } = await runSelfTest({
				folder,
				answers,
				token: givenToken(options),
				artifact: options.artifact,
				fetch,
				onStep: terminal.say,
			});
			if (options.json) return terminal.json({ issuer, ...files, ...(tlsCa === undefined ? {} : { tlsCa }) });
			const urls = Object.fromEntries(Object.entries(answers.urls));
			const there = options.filesAt ?? join(folder, 'trust');
			terminal.data(addresses(urls, issuer));
			if (options.fetchCommand !== undefined) terminal.data(`\nthe files for clients\n  ${options.fetchCommand}`);
			if (tlsCa !== undefined) terminal.data(trusting(`${there}/tls-ca.pem`));
			terminal.data(
				clientInstructions({
					files: {
						root: { path: `${there}/root.json`, sha256: files.root.sha256 },
						trustedRoot: `${there}/trusted_root.json`,
						signingConfig: `${there}/signing_config.v0.2.json`,
						clientTrustConfig: `${there}/client_trust_config.json`,
					},
					urls,
					oidcIssuer: issuer,
					ours: [options.command, '--trusted-root', `${there}/trusted_root.json`],
					signing: ['--signing-config', `${there}/signing_config.v0.2.json`],
					token: options.tokenCommand?.split(' ') ?? [options.command, 'token', '--issuer', issuer],
				}),
			);
			terminal.success(`ready: a signature was made and verified; SHA-256 of the first root: ${files.root.sha256}`);
		});
}

function givenToken({ identityToken, email, issuer }: SelfTestOptions) {
	if (identityToken === undefined) return undefined;
	if (email === undefined || issuer === undefined)
		throw new UsageError('--identity-token needs --email and --issuer: what the certificate is to say');
	return { identityToken, email, issuer };
}
