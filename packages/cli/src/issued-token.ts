/** A token of an issuer, rather than one that a development instance mints: by a login, for a secret, or for another token. */
import type { IssuerClient, IssuerDeps } from '@chancery/client/tokens/issuer';
import type { InputFiles } from './input-files.ts';
import { type LoginWay, logIn, usualWay } from './log-in.ts';
import { issuerOf, SIGSTORE_CLIENT } from './oidc-issuer.ts';
import { resolveSigning } from './trust-sources.ts';
import { UsageError } from './usage-error.ts';

export interface IssuedTokenOptions {
	readonly data?: string;
	readonly issuer?: string;
	readonly login?: LoginWay | true;
	readonly clientId?: string;
	readonly clientSecretFile?: string;
	readonly exchange?: boolean;
	readonly ambient?: boolean;
	readonly subjectTokenFile?: string;
	readonly subjectTokenAudience?: string;
	readonly connectorId?: string;
	readonly audience?: string;
	readonly json?: boolean;
}

/** The ways to a token, by the option that chooses each, and the options that it takes besides. */
const WAYS = {
	login: ['data', 'issuer', 'clientId'],
	exchange: [
		'data',
		'issuer',
		'clientId',
		'ambient',
		'subjectTokenFile',
		'subjectTokenAudience',
		'connectorId',
		'audience',
	],
	clientSecretFile: ['data', 'issuer', 'clientId'],
	ambient: ['audience'],
} as const satisfies Record<string, readonly (keyof IssuedTokenOptions)[]>;
type Way = keyof typeof WAYS;

/** The way that the options choose; undefined: the token is one for development. */
export function wayOf(options: IssuedTokenOptions): Way | undefined {
	return (Object.keys(WAYS) as Way[]).find((way) => options[way] !== undefined);
}

/**
 * Returns the token, verified wherever the issuer is one that was named here.
 * @throws {UsageError} for options that do not belong together; {ClientError} when there is no token
 */
export async function issuedToken(way: Way, options: IssuedTokenOptions, inputs: InputFiles): Promise<string> {
	const deps = { fetch, clock: Date.now };
	const { audience = SIGSTORE_CLIENT, clientId = SIGSTORE_CLIENT, login } = options;
	switch (way) {
		case 'login':
			return logIn(login === true || login === undefined ? usualWay() : login, await clientOf(options, inputs));
		case 'ambient':
			return ambientToken(audience, deps);
		case 'clientSecretFile': {
			if (options.clientId === undefined) throw new UsageError('--client-secret-file needs --client-id');
			const clientSecret = await readSecret(options.clientSecretFile ?? '', 'the secret of the client', inputs);
			const { requestWithSecret } = await import('@chancery/client/tokens/machine-grants');
			return requestWithSecret({ ...(await clientOf(options, inputs)), clientId, clientSecret }, deps);
		}
		case 'exchange': {
			if ((options.subjectTokenFile === undefined) === (options.ambient === undefined))
				throw new UsageError('--exchange needs one of --subject-token-file and --ambient');
			const client = await clientOf(options, inputs);
			const subjectToken =
				options.subjectTokenFile === undefined
					? await ambientToken(options.subjectTokenAudience ?? client.issuer, deps)
					: await readSecret(options.subjectTokenFile, 'the subject token', inputs);
			const { exchangeToken } = await import('@chancery/client/tokens/machine-grants');
			const { connectorId } = options;
			const request = { subjectToken, audience, ...(connectorId === undefined ? {} : { connectorId }) };
			return exchangeToken(client, request, deps);
		}
	}
}

/** @throws {UsageError} naming the first option that is of no use on this way; `others` are those of development tokens */
export function refuseUnused(way: Way, options: IssuedTokenOptions, others: Readonly<Record<string, unknown>>): void {
	const useful: readonly string[] = [way, 'json', ...WAYS[way]];
	for (const [name, value] of Object.entries({ ...options, ...others }))
		if (value !== undefined && !useful.includes(name))
			throw new UsageError(`${flagOf(name)} is of no use with ${flagOf(way)}`);
}

function flagOf(name: string): string {
	return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

async function clientOf(options: IssuedTokenOptions, inputs: InputFiles): Promise<IssuerClient> {
	const { clientId = SIGSTORE_CLIENT, data, json } = options;
	if (options.issuer !== undefined) {
		if (data !== undefined) throw new UsageError('--issuer and --data exclude each other here');
		return { issuer: options.issuer, clientId };
	}
	const places = { ...(data === undefined ? {} : { data }), ...(json === undefined ? {} : { json }) };
	const { signingConfig } = await resolveSigning(places, inputs);
	return { issuer: issuerOf(signingConfig, Date.now()), clientId };
}

async function ambientToken(audience: string, deps: IssuerDeps): Promise<string> {
	const { requestAmbientToken } = await import('@chancery/client/tokens/ambient-token');
	return requestAmbientToken(audience, { ...deps, env: process.env });
}

const MAX_SECRET_BYTES = 64 * 1024;

async function readSecret(path: string, what: string, inputs: InputFiles): Promise<string> {
	const text = (await inputs.readText(path, what, MAX_SECRET_BYTES)).trim();
	if (text === '') throw new UsageError(`the file of ${what} is empty`);
	return text;
}
