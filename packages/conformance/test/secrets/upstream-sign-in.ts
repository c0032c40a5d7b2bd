/** Sign-ins at another provider: one that works, and one whose token endpoint repeats what a client sends it. */
import { type OpenIdProvider, startOpenIdProvider } from '@chancery/testkit/openid-provider';
import type { SecretRegistry } from './secret-registry.ts';
import { authorization, Browser, redeemCode, type SignInDeps, type Tokens } from './sign-in.ts';

const CLIENT = 'the broker';
const PEOPLE = 'https://people.example';
const REPEATING = 'https://repeating.example';
/** An account for which the provider issues tokens that are for another client. */
const MISTAKEN = 'mallory';

export interface Upstreams {
	/** Where people sign in. */
	readonly people: OpenIdProvider;
	/** The same, but codes are redeemed at a server that repeats what it is sent. */
	readonly repeating: OpenIdProvider;
	/** Secret of the client at each of them. */
	readonly secrets: { readonly people: string; readonly repeating: string };
	close(): Promise<void>;
}

/** @param echo URL of the server that repeats what it is sent */
export async function startUpstreams(registry: SecretRegistry, echo: string): Promise<Upstreams> {
	const secretOf = (name: string) => registry.addText('connector secret', `of "${name}" & 100% ${crypto.randomUUID()}`);
	const secrets = { people: secretOf('people'), repeating: secretOf('repeating') };
	const people = await startOpenIdProvider({ clients: { [CLIENT]: secrets.people } });
	people.behave({
		// The address is at the userinfo endpoint alone, so that the access token is sent there.
		claims: ({ email, email_verified, ...claims }) =>
			claims.sub === `id-of-${MISTAKEN}` ? { ...claims, aud: 'another client' } : claims,
		answer(path, usual) {
			if (path === '/token' && usual.status === 200) {
				const { id_token, access_token } = JSON.parse(usual.body) as Record<string, string>;
				registry.addToken('token of a provider', id_token ?? '');
				registry.addText('token of a provider', access_token ?? '');
			}
			return usual;
		},
	});
	const repeating = await startOpenIdProvider({ clients: { [CLIENT]: secrets.repeating } });
	repeating.behave({
		answer: (path, usual) =>
			path === '/.well-known/openid-configuration'
				? { ...usual, body: JSON.stringify({ ...JSON.parse(usual.body), token_endpoint: echo }) }
				: usual,
	});
	return {
		people,
		repeating,
		secrets,
		close: async () => {
			await Promise.all([people.close(), repeating.close()]);
		},
	};
}

/** Setting `connectors`. The secrets are in the header for the one, and in the form for the other. */
export function connectorsOf({ people, repeating }: Upstreams, secrets: Record<keyof Upstreams['secrets'], object>) {
	const common = { type: 'oidc', clientId: CLIENT };
	return [
		{ ...common, id: PEOPLE, name: 'People', issuer: people.issuer, clientSecret: secrets.people },
		{
			...common,
			id: REPEATING,
			name: 'Repeating',
			issuer: repeating.issuer,
			clientSecret: secrets.repeating,
			tokenEndpointAuth: 'client_secret_post',
		},
	];
}

/** Signs in at the provider, and then in each way that must fail; notes the status of every end. */
export async function signInUpstream(
	deps: SignInDeps,
	statuses: Map<string, number>,
	onTheWay: () => Promise<void>,
): Promise<Tokens> {
	const visit = await visitProvider(deps, PEOPLE, 'alice');
	await onTheWay();
	const stranger = await new Browser(deps).go(visit.back);
	statuses.set('in a browser that did not begin it', stranger.page.status);
	const { leftFor } = await visit.browser.go(visit.back);
	const tokens = await redeemCode(deps, leftFor, visit.verifier, onTheWay);
	statuses.set('a second return from a provider', (await visit.browser.go(visit.back)).page.status);

	for (const [what, connector, user] of [
		['a token of a provider for another client', PEOPLE, MISTAKEN],
		['a provider that repeats what it is sent', REPEATING, 'alice'],
	] as const) {
		const { browser, back } = await visitProvider(deps, connector, user);
		statuses.set(what, (await browser.go(back)).page.status);
	}
	const { browser, back } = await visitProvider(deps, PEOPLE, 'alice');
	const address = new URL(back);
	address.searchParams.set('code', deps.registry.addText('authorization code of nobody', crypto.randomUUID()));
	statuses.set('a code that no provider gave out', (await browser.go(address.href)).page.status);
	return tokens;
}

/** Begins a sign-in, and signs in at the provider; `back` is the address to which that sends the browser back. */
async function visitProvider(
	deps: SignInDeps,
	connectorId: string,
	user: string,
): Promise<{ readonly browser: Browser; readonly back: string; readonly verifier: string }> {
	const { recorder, registry } = deps;
	const { url, verifier } = authorization(deps, { connector_id: connectorId });
	const browser = new Browser(deps);
	const { leftFor = '' } = await browser.go(url);
	registry.addText('state of a sign-in', new URL(leftFor).searchParams.get('state') ?? '');
	const form = { method: 'POST', body: new URLSearchParams({ user }) };
	const back = (await recorder.ask('sign-in page', leftFor, form)).headers.get('location') ?? '';
	registry.addText('authorization code of a provider', new URL(back).searchParams.get('code') ?? '');
	return { browser, back, verifier };
}
