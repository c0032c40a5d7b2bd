/** `chancery token`: an identity token, on every way there is to one. */
import { DEVELOPMENT_PRESETS, type DevelopmentPreset } from '@chancery/wire/identity';
import { Command, Option } from 'commander';
import { defaultDataFolder } from '../default-folders.ts';
import { InputFiles } from '../input-files.ts';
import { type IssuedTokenOptions, issuedToken, refuseUnused, wayOf } from '../issued-token.ts';
import { LOGIN_WAYS } from '../log-in.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

export function tokenCommand(): Command {
	return new Command('token')
		.description('Prints an identity token to sign with. Keep it to yourself: whoever has it signs as you.')
		.option(
			'--data <dir>',
			`instance of 'chancery up' (default for development tokens: ${defaultDataFolder()}; otherwise what 'initialize' remembers)`,
		)
		.option('--issuer <url>', 'instead: address of the issuer, byte for byte')
		.optionsGroup('As a person:')
		.addOption(
			new Option(
				'--login [way]',
				'sign in, in the browser of this machine, on another device, or with a code to copy (default: what this machine has)',
			).choices(LOGIN_WAYS),
		)
		.option('--client-id <id>', 'id of this program at the issuer (default: sigstore)')
		.optionsGroup('As a machine:')
		.option('--client-secret-file <file>', "with a secret of its own; '-' for standard input")
		.option('--exchange', 'with the token of its platform, which the issuer exchanges')
		.option(
			'--subject-token-file <file>',
			"that token, of a JWT-SVID or a service account for example; '-' for standard input",
		)
		.option(
			'--ambient',
			'what the platform on which this runs gives; without --exchange it is printed as it is, unverified',
		)
		.option('--subject-token-audience <aud>', 'whom that token has to be for (default: the issuer)')
		.option('--connector-id <id>', 'who vouches for that token, where the issuer has to be told')
		.optionsGroup('For development, believed as it is said:')
		.option('--email <address>', 'the person that the token names')
		.addOption(
			new Option('--preset <name>', 'a machine: the token looks like one of this system').choices(DEVELOPMENT_PRESETS),
		)
		.option('--claims <json>', 'further claims; with job_workflow_ref the token looks like one of GitHub Actions')
		.option('--secret-file <file>', 'with --issuer: file with the development secret of that instance')
		.optionsGroup('Options:')
		.option('--audience <aud>', 'audience of the token (default: sigstore)')
		.option('--json', 'print {"token": ...}')
		.addHelpText(
			'after',
			`
Examples:
  $ chancery token --login
  $ chancery token --login device --issuer https://id.example.com/auth
  $ chancery token --exchange --ambient --issuer https://id.example.com/auth
  $ chancery token --exchange --subject-token-file svid.jwt
  $ chancery token --client-id backup --client-secret-file ./backup.secret

For development:
  $ chancery token --email alice@example.com
  $ SIGSTORE_ID_TOKEN=$(chancery token --email alice@example.com) chancery sign-blob --bundle b.json README.md
  $ chancery token --preset kubernetes --claims '{"kubernetes.io":{"namespace":"ci"}}'
  $ chancery token --issuer http://localhost:7401 --secret-file ./instance/secrets/development-secret --email alice@example.com
  $ chancery token --claims '{"job_workflow_ref":"acme/app/.github/workflows/release.yml@refs/heads/main"}'`,
		)
		.action(async (options: TokenOptions) => {
			const { email, preset, claims, secretFile, ...issued } = options;
			const way = wayOf(issued);
			if (way !== undefined) refuseUnused(way, issued, { email, preset, claims, secretFile });
			const token =
				way === undefined ? await developmentToken(options) : await issuedToken(way, issued, new InputFiles());
			if (options.json) terminal.json({ token });
			else terminal.data(token);
		});
}

interface TokenOptions extends IssuedTokenOptions {
	readonly secretFile?: string;
	readonly email?: string;
	readonly preset?: DevelopmentPreset;
	readonly claims?: string;
}

async function developmentToken(options: TokenOptions): Promise<string> {
	const { email, preset } = options;
	for (const [flag, value] of [
		['--subject-token-file', options.subjectTokenFile],
		['--subject-token-audience', options.subjectTokenAudience],
		['--connector-id', options.connectorId],
	])
		if (value !== undefined) throw new UsageError(`${flag} belongs to --exchange`);
	if (options.clientId !== undefined)
		throw new UsageError('--client-id belongs to --login, --exchange or --client-secret-file');
	const claims = parseClaims(options.claims);
	if (!email && !preset && !claims)
		throw new UsageError(
			'give --login, --exchange, --ambient or --client-secret-file; or for development --email, --preset, or --claims with job_workflow_ref',
		);
	if (email && preset && preset !== 'google')
		throw new UsageError(`--email and --preset ${preset} exclude each other: such tokens name no e-mail address`);
	const { mintToken } = await import('@chancery/stack/development/mint-token');
	return mintToken({
		...(await sourceOf(options)),
		audience: options.audience ?? 'sigstore',
		...(email ? { email } : {}),
		...(preset ? { preset } : {}),
		...(claims ? { claims } : {}),
	});
}

const MAX_SECRET_BYTES = 64 * 1024;

async function sourceOf({ data = defaultDataFolder(), issuer, secretFile }: TokenOptions) {
	if ((issuer === undefined) !== (secretFile === undefined))
		throw new UsageError('--issuer and --secret-file belong together for a development token');
	if (issuer === undefined || secretFile === undefined) return { data };
	const secret = await new InputFiles().readText(secretFile, 'the secret of the identity service', MAX_SECRET_BYTES);
	// The issuer is its address with /auth or /ci behind it; all are taken.
	return { url: issuer.replace(/\/(auth|ci(\/[a-z]+)?)?\/?$/, ''), secret: secret.trim() };
}

function parseClaims(text: string | undefined): Record<string, unknown> | undefined {
	if (text === undefined) return undefined;
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	} catch (cause) {
		throw new UsageError('--claims is not JSON', { cause });
	}
	throw new UsageError('--claims is not a JSON object');
}
