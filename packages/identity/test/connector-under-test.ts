/** A sign-in through one connector alone: to its provider, which may stand in for one of the internet, and back. */
import { randomBytes } from 'node:crypto';
import type { OpenIdProvider } from '@chancery/testkit/openid-provider';
import type { Connector, Person, UpstreamLogin } from '../src/connectors/connector.ts';
import { connectorFindings, connectorsSchema, openConnectors } from '../src/connectors/connectors.ts';
import { UpstreamLoginError } from '../src/connectors/upstream-failure.ts';
import { type AtProvider, signInAt } from './upstream-visit.ts';

export const CLIENT_SECRET = 'the secret of the client';
const REDIRECT_URI = 'https://id.example/auth/callback';

export interface ConnectorUnderTest {
	readonly connector: Connector;
	/** Names of the exceptions that production wants for these settings. */
	readonly exceptions: readonly string[];
}

/** `settings` without id, name, client id and secret. @param standsFor origins whose requests go to the provider */
export function connectorOf(
	provider: Pick<OpenIdProvider, 'origin'>,
	settings: Record<string, unknown>,
	standsFor: readonly string[] = [],
): ConnectorUnderTest {
	const parsed = connectorsSchema({ SECRET: CLIENT_SECRET }).parse([
		{ id: 'under-test', name: 'The provider', clientId: 'broker', clientSecret: { env: 'SECRET' }, ...settings },
	]);
	const rerouted: typeof fetch = (input, init) => {
		const url = new URL(input instanceof Request ? input.url : input);
		return fetch(standsFor.includes(url.origin) ? url.href.replace(url.origin, provider.origin) : url, init);
	};
	const [connector] = openConnectors(parsed, { fetch: rerouted, clock: Date.now });
	if (!connector) throw new Error('there is no connector');
	return { connector, exceptions: connectorFindings(parsed).map(({ exception }) => exception) };
}

export interface Outcome {
	/** Where the browser was sent. */
	readonly url: URL;
	readonly person?: Person;
	/** Of the refusal. */
	readonly code?: string;
	readonly words?: string;
}

/** Signs `user` in. @param back changes the address that the provider sends the browser back to */
export async function signInThrough(
	provider: Pick<OpenIdProvider, 'origin'>,
	{ connector }: ConnectorUnderTest,
	{ atProvider = { user: 'alice' }, back }: { atProvider?: AtProvider; back?: (address: URL) => void } = {},
): Promise<Outcome> {
	const random = () => randomBytes(32).toString('base64url');
	const login: UpstreamLogin = { redirectUri: REDIRECT_URI, state: random(), nonce: random(), codeVerifier: random() };
	const url = await connector.begin(login);
	const returned = new URL(await signInAt(provider, url.href, atProvider));
	back?.(returned);
	try {
		return { url, person: await connector.finish(returned, login) };
	} catch (error) {
		if (!(error instanceof UpstreamLoginError)) throw error;
		return { url, code: error.code, words: error.words };
	}
}
