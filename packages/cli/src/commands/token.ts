/** `chancery token`: an identity token from a running development instance. */
import { Command } from 'commander';
import { defaultDataFolder } from '../default-folders.ts';
import { InputFiles } from '../input-files.ts';
import { terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

export function tokenCommand(): Command {
	return new Command('token')
		.description('Prints an identity token of the development instance, for ten minutes of use.')
		.option('--data <dir>', 'data folder of the instance', defaultDataFolder())
		.option('--issuer <url>', 'instead: address of an identity service with a development secret')
		.option('--secret-file <file>', 'file with that secret')
		.option('--email <address>', 'the person that the token names')
		.option('--claims <json>', 'further claims; with job_workflow_ref the token looks like one of GitHub Actions')
		.option('--audience <aud>', 'audience of the token', 'sigstore')
		.option('--json', 'print {"token": ...}')
		.addHelpText(
			'after',
			`
Examples:
  $ chancery token --email alice@example.com
  $ SIGSTORE_ID_TOKEN=$(chancery token --email alice@example.com) chancery sign-blob --bundle b.json README.md
  $ chancery token --issuer http://localhost:7401 --secret-file ./instance/secrets/development-secret --email alice@example.com
  $ chancery token --claims '{"job_workflow_ref":"acme/app/.github/workflows/release.yml@refs/heads/main"}'`,
		)
		.action(async (options: TokenOptions) => {
			const claims = parseClaims(options.claims);
			if (!options.email && !claims) throw new UsageError('give --email, or --claims with job_workflow_ref');
			const { mintToken } = await import('@chancery/stack/development/mint-token');
			const token = await mintToken({
				...(await sourceOf(options)),
				audience: options.audience,
				...(options.email ? { email: options.email } : {}),
				...(claims ? { claims } : {}),
			});
			if (options.json) terminal.json({ token });
			else terminal.data(token);
		});
}

interface TokenOptions {
	readonly data: string;
	readonly issuer?: string;
	readonly secretFile?: string;
	readonly email?: string;
	readonly claims?: string;
	readonly audience: string;
	readonly json?: boolean;
}

const MAX_SECRET_BYTES = 64 * 1024;

async function sourceOf({ data, issuer, secretFile }: TokenOptions) {
	if ((issuer === undefined) !== (secretFile === undefined))
		throw new UsageError('--issuer and --secret-file belong together');
	if (issuer === undefined || secretFile === undefined) return { data };
	const secret = await new InputFiles().readText(secretFile, 'the secret of the identity service', MAX_SECRET_BYTES);
	// The issuer is its address with /auth or /ci behind it; both are taken.
	return { url: issuer.replace(/\/(auth|ci)?\/?$/, ''), secret: secret.trim() };
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
