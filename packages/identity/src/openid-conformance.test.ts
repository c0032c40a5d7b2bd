/**
 * The checks of the OpenID Foundation's certification plans for providers, under the names of its modules, as far as they can
 * run against a provider on loopback. openid-client is the relying party: it refuses an answer whose issuer, state, nonce,
 * audience, age or signature is not as it should be.
 *
 * What does not apply is listed with the reason, and with a check that fails on the day when it does.
 */
import { decodeProtectedHeader } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Visit } from '../test/browser.ts';
import { authorizationUrl, type Discovery, discover, newVerifier, requestToken } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';

const LOOPBACK = 'http://localhost:50505/auth/callback';
const PAGE = 'https://rp.example/callback?tenant=1';

let server: IdentityServer;
let discovery: Discovery;
let relyingParty: client.Configuration;

beforeAll(async () => {
	server = await startIdentityServer({ config: { webClients: [{ id: 'web', redirectUri: PAGE }] } });
	discovery = await discover(server.issuer);
	relyingParty = await client.discovery(new URL(server.issuer), 'sigstore', undefined, client.None(), {
		execute: [client.allowInsecureRequests],
	});
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

type Params = Record<string, string | undefined>;

interface SignedIn {
	readonly claims: client.IDToken;
	readonly tokens: client.TokenEndpointResponse;
	readonly code: string;
	readonly verifier: string;
	/** What the browser showed before the person signed in. */
	readonly page: Visit;
	readonly browser: Browser;
}

/** A whole sign-in; undefined removes a parameter. */
async function signIn(
	extra: Params = {},
	checks: client.AuthorizationCodeGrantChecks = {},
	config: client.Configuration = relyingParty,
): Promise<SignedIn> {
	const verifier = client.randomPKCECodeVerifier();
	const params: Params = {
		redirect_uri: LOOPBACK,
		scope: 'openid email',
		state: 'the-state',
		nonce: 'the-nonce',
		code_challenge: await client.calculatePKCECodeChallenge(verifier),
		code_challenge_method: 'S256',
		...extra,
	};
	const sent = Object.entries(params).filter((pair): pair is [string, string] => pair[1] !== undefined);
	const browser = new Browser(server.publicUrl);
	const page = await browser.open(client.buildAuthorizationUrl(config, Object.fromEntries(sent)).href);
	expect(page.status).toBe(200);
	const end = await browser.submit(Browser.action(page), { email: 'alice@example.com' });
	const back = new URL(end.leftFor ?? 'none:');
	const tokens = await client.authorizationCodeGrant(config, back, {
		pkceCodeVerifier: verifier,
		expectedState: 'the-state',
		...(params.nonce === undefined ? {} : { expectedNonce: params.nonce }),
		idTokenExpected: true,
		...checks,
	});
	const claims = tokens.claims();
	if (!claims) throw new Error('no ID token');
	return { claims, tokens, code: back.searchParams.get('code') ?? '', verifier, page, browser };
}

/** How an authorization request is refused: at the client, or on a page. */
async function refusal(
	extra: Params,
	browser = new Browser(server.publicUrl),
): Promise<{ at: 'client' | 'page'; error: string; iss: string | null }> {
	const end = await browser.open(authorizationUrl(discovery, newVerifier().challenge, extra));
	if (end.leftFor === undefined) {
		expect(end.status).toBe(400);
		return { at: 'page', error: /Code <code>(?:<bdi>)?([^<]+)</.exec(end.body)?.[1] ?? end.body, iss: null };
	}
	const back = new URL(end.leftFor);
	expect(back.searchParams.get('code')).toBeNull();
	return { at: 'client', error: back.searchParams.get('error') ?? '', iss: back.searchParams.get('iss') };
}

const redeemAgain = ({ code, verifier }: SignedIn) =>
	requestToken(
		discovery,
		{ grant_type: 'authorization_code', code, redirect_uri: LOOPBACK, code_verifier: verifier },
		'sigstore:',
	);

const succeeds = (extra: Params) => async () => {
	expect((await signIn(extra)).claims.email).toBe('alice@example.com');
};
/** Scopes without claims here are left out, as OpenID Connect Core section 3.1.2.1 says. */
const scopeIsIgnored = (scope: string) => async () => {
	expect(discovery.scopes_supported).toEqual(['openid', 'email']);
	const { tokens, claims } = await signIn({ scope: `openid email ${scope}` });
	expect(tokens.scope).toBe('openid email');
	for (const name of ['name', 'address', 'phone_number']) expect(claims).not.toHaveProperty(name);
};

const BASIC: Readonly<Record<string, () => Promise<void>>> = {
	'oidcc-server': async () => {
		const { claims, tokens } = await signIn();
		expect(claims).toMatchObject({ iss: server.issuer, aud: 'sigstore', nonce: 'the-nonce' });
		expect(tokens.token_type).toBe('bearer');
		expect(claims.exp - claims.iat).toBe(tokens.expires_in);
	},
	'oidcc-response-type-missing': async () => {
		expect(await refusal({ response_type: undefined })).toMatchObject({ error: 'invalid_request' });
	},
	'oidcc-idtoken-signature': async () => {
		const { tokens } = await signIn();
		const { alg, kid } = decodeProtectedHeader(tokens.id_token ?? '');
		expect(alg).toBe('RS256');
		const { keys } = (await (await fetch(discovery.jwks_uri)).json()) as { keys: { kid: string; alg: string }[] };
		expect(keys.filter((key) => key.kid === kid).map((key) => key.alg)).toEqual(['RS256']);
		const checksSignatures = await client.discovery(new URL(server.issuer), 'sigstore', undefined, client.None(), {
			execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
		});
		await signIn({}, {}, checksSignatures);
	},
	'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': async () => {
		expect((await signIn({ nonce: undefined })).claims).not.toHaveProperty('nonce');
	},
	'oidcc-scope-email': async () => {
		expect((await signIn()).claims).toMatchObject({ email: 'alice@example.com', email_verified: true });
		expect((await signIn({ scope: 'openid' })).claims).not.toHaveProperty('email');
	},
	'oidcc-scope-profile': scopeIsIgnored('profile'),
	'oidcc-scope-address': scopeIsIgnored('address'),
	'oidcc-scope-phone': scopeIsIgnored('phone'),
	'oidcc-scope-all': scopeIsIgnored('profile address phone offline_access'),
	'oidcc-ensure-other-scope-order-succeeds': succeeds({ scope: 'email openid' }),
	'oidcc-display-page': succeeds({ display: 'page' }),
	'oidcc-display-popup': succeeds({ display: 'popup' }),
	'oidcc-prompt-login': async () => {
		const [first, second] = [await signIn({ prompt: 'login' }), await signIn({ prompt: 'login' })];
		for (const { page } of [first, second]) expect(page.body).toContain('Sign in');
	},
	'oidcc-prompt-none-not-logged-in': async () => {
		expect(await refusal({ prompt: 'none' })).toEqual({ at: 'client', error: 'login_required', iss: server.issuer });
	},
	'oidcc-max-age-1': async () => {
		const { claims, page } = await signIn({ max_age: '1' }, { maxAge: 1 });
		expect(page.body).toContain('Sign in');
		expect(claims.auth_time).toEqual(expect.any(Number));
	},
	'oidcc-max-age-10000': async () => {
		const [first, second] = [
			await signIn({ max_age: '10000' }, { maxAge: 10_000 }),
			await signIn({ max_age: '10000' }),
		];
		// Each is a sign-in of its own, so the second is not older than the first.
		expect(Number(second.claims.auth_time)).toBeGreaterThanOrEqual(Number(first.claims.auth_time));
	},
	'oidcc-ensure-request-with-unknown-parameter-succeeds': succeeds({ extra: 'foobar' }),
	'oidcc-login-hint': succeeds({ login_hint: 'somebody@example.com' }),
	'oidcc-ui-locales': succeeds({ ui_locales: 'se' }),
	'oidcc-claims-locales': succeeds({ claims_locales: 'se' }),
	'oidcc-ensure-request-with-acr-values-succeeds': succeeds({ acr_values: '1 2' }),
	'oidcc-codereuse': async () => {
		expect(await redeemAgain(await signIn())).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
	},
	'oidcc-codereuse-30seconds': async () => {
		const signedIn = await signIn();
		// Half a minute later, as the database has it. That the first access token dies is not for tokens that nobody asks us about.
		await server.test.database.query(
			`update identity.artifacts set consumed_at = consumed_at - interval '30 seconds',
				expires_at = expires_at - interval '30 seconds'`,
		);
		expect(await redeemAgain(signedIn)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
	},
	'oidcc-ensure-registered-redirect-uri': async () => {
		for (const redirect_uri of ['https://rp.example/other', 'https://evil.example/callback'])
			for (const client_id of ['sigstore', 'web'])
				expect(await refusal({ client_id, redirect_uri })).toMatchObject({ at: 'page', error: 'invalid_redirect_uri' });
	},
	'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported': async () => {
		expect(discovery.request_uri_parameter_supported).toBe(false);
		expect(await refusal({ request_uri: 'https://rp.example/request.jwt' })).toMatchObject({
			error: 'request_uri_not_supported',
		});
	},
	'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported': async () => {
		expect(discovery.request_parameter_supported ?? false).toBe(false);
		const header = Buffer.from('{"alg":"none"}').toString('base64url');
		expect(await refusal({ request: `${header}.e30.` })).toMatchObject({ error: 'request_not_supported' });
	},
	'oidcc-ensure-request-object-with-redirect-uri': async () => {
		const parts = [{ alg: 'none' }, { redirect_uri: 'https://evil.example/callback' }].map((part) =>
			Buffer.from(JSON.stringify(part)).toString('base64url'),
		);
		expect(await refusal({ request: `${parts.join('.')}.` })).toEqual({
			at: 'client',
			error: 'request_not_supported',
			iss: server.issuer,
		});
	},
	'oidcc-ensure-request-with-valid-pkce-succeeds': succeeds({}),
};

/** Other plans have these; they say something about redirect URIs and keys that matters here as well. */
const OTHER_PLANS: Readonly<Record<string, () => Promise<void>>> = {
	'oidcc-redirect-uri-query-OK': async () => {
		const url = authorizationUrl(discovery, newVerifier().challenge, { client_id: 'web', redirect_uri: PAGE });
		const browser = new Browser(server.publicUrl);
		const end = await browser.submit(Browser.action(await browser.open(url)), { email: 'alice@example.com' });
		const back = new URL(end.leftFor ?? '');
		expect([back.searchParams.get('tenant'), back.searchParams.has('code')]).toEqual(['1', true]);
	},
	'oidcc-redirect-uri-query-added': async () => {
		const redirect_uri = `${PAGE}&more=1`;
		expect(await refusal({ client_id: 'web', redirect_uri })).toMatchObject({
			at: 'page',
			error: 'invalid_redirect_uri',
		});
	},
	'oidcc-redirect-uri-query-mismatch': async () => {
		const redirect_uri = PAGE.replace('tenant=1', 'tenant=2');
		expect(await refusal({ client_id: 'web', redirect_uri })).toMatchObject({
			at: 'page',
			error: 'invalid_redirect_uri',
		});
	},
	'oidcc-redirect-uri-regfrag': async () => {
		const config = { webClients: [{ id: 'web', redirectUri: 'https://rp.example/callback#fragment' }] };
		await expect(startIdentityServer({ config })).rejects.toThrow('redirectUri');
	},
	'oidcc-ensure-redirect-uri-in-authorization-request': async () => {
		expect(await refusal({ redirect_uri: undefined })).toMatchObject({ at: 'page', error: 'invalid_request' });
	},
	'oidcc-idtoken-rs256': async () => {
		expect(discovery.id_token_signing_alg_values_supported).toEqual(['RS256']);
	},
};

const get = (path: string, init: RequestInit = {}) => fetch(`${server.issuer}${path}`, { redirect: 'manual', ...init });

const noUserinfo = async () => {
	expect(discovery).not.toHaveProperty('userinfo_endpoint');
	const { tokens } = await signIn();
	const headers = { authorization: `Bearer ${tokens.access_token}` };
	for (const method of ['GET', 'POST']) expect((await get('/userinfo', { method, headers })).status).toBe(404);
};
const NO_USERINFO =
	'no endpoint for user information: the tokens say all there is, and no client of Sigstore asks for more. Dex has one.';
const NO_SESSION = 'nobody stays signed in: the person says each time who signs.';

/** A check fails when the reason no longer holds. */
const NOT_APPLICABLE: Readonly<Record<string, { readonly because: string; readonly stillSo: () => Promise<void> }>> = {
	'oidcc-idtoken-unsigned': {
		because: 'only for providers that offer unsigned ID tokens.',
		stillSo: async () => expect(discovery.id_token_signing_alg_values_supported).not.toContain('none'),
	},
	'oidcc-userinfo-get': { because: NO_USERINFO, stillSo: noUserinfo },
	'oidcc-userinfo-post-header': { because: NO_USERINFO, stillSo: noUserinfo },
	'oidcc-userinfo-post-body': { because: NO_USERINFO, stillSo: noUserinfo },
	'oidcc-prompt-none-logged-in': {
		because: NO_SESSION,
		stillSo: async () => {
			const { browser } = await signIn();
			expect(await refusal({ prompt: 'none' }, browser)).toMatchObject({ error: 'login_required' });
		},
	},
	'oidcc-id-token-hint': {
		because: NO_SESSION,
		stillSo: async () => {
			const { tokens, browser } = await signIn();
			const hinted = await refusal({ prompt: 'none', id_token_hint: tokens.id_token }, browser);
			expect(hinted).toMatchObject({ at: 'client', error: 'login_required' });
		},
	},
	'oidcc-ensure-post-request-succeeds': {
		because:
			'forms of other sites come without our SameSite cookies, and no client of Sigstore sends one. Dex takes them.',
		stillSo: async () => {
			const url = new URL(authorizationUrl(discovery, newVerifier().challenge));
			expect((await get('/auth', { method: 'POST', body: url.searchParams })).status).toBe(404);
		},
	},
	'oidcc-server-client-secret-post': {
		because: 'clients of the code flow are public; a secret proves nothing and is not compared.',
		stillSo: async () => {
			const { code } = await signIn();
			const answer = await requestToken(discovery, { grant_type: 'authorization_code', code }, 'sigstore:any secret');
			expect(answer.body.error).not.toBe('invalid_client');
		},
	},
	'oidcc-claims-essential': {
		because: 'the parameter `claims` is not supported, which the discovery document says.',
		stillSo: async () => {
			expect(discovery.claims_parameter_supported).toBe(false);
			const claims = JSON.stringify({ id_token: { name: { essential: true } } });
			expect((await signIn({ claims })).claims).not.toHaveProperty('name');
		},
	},
	'oidcc-refresh-token': {
		because: 'there are no refresh tokens.',
		stillSo: async () => {
			expect(discovery.grant_types_supported).not.toContain('refresh_token');
			const { tokens } = await signIn({ scope: 'openid email offline_access', prompt: 'consent' });
			expect(tokens.refresh_token).toBeUndefined();
		},
	},
};

describe('oidcc-basic-certification-test-plan', () => {
	it('has 38 modules, each of which is here once', () => {
		expect(new Set([...Object.keys(BASIC), ...Object.keys(NOT_APPLICABLE)]).size).toBe(38);
		expect(Object.keys(BASIC).length + Object.keys(NOT_APPLICABLE).length).toBe(38);
	});

	it.each(Object.entries(BASIC))('%s', (_module, check) => check());

	it.each(Object.entries(NOT_APPLICABLE))('%s does not apply', (_module, { because, stillSo }) => {
		expect(because).toMatch(/\.$/);
		return stillSo();
	});
});

describe('modules of other plans', () => {
	it.each(Object.entries(OTHER_PLANS))('%s', (_module, check) => check());
});

describe('oidcc-config-certification-test-plan', () => {
	it('oidcc-discovery-endpoint-verification', async () => {
		const response = await get('/.well-known/openid-configuration');
		expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
		expect(discovery.issuer).toBe(server.issuer);
		expect(discovery).toMatchObject({
			response_types_supported: ['code'],
			subject_types_supported: ['public'],
			code_challenge_methods_supported: ['S256'],
		});
		for (const name of ['scopes_supported', 'claims_supported', 'grant_types_supported'])
			expect(discovery[name]).toEqual(expect.arrayContaining([expect.any(String)]));
		expect(discovery.scopes_supported).toContain('openid');
		expect(discovery.grant_types_supported).toContain('authorization_code');
		const { keys } = (await (await fetch(discovery.jwks_uri)).json()) as { keys: Record<string, unknown>[] };
		expect(new Set(keys.map(({ kid }) => kid)).size).toBe(keys.length);
		for (const key of keys)
			for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(member);
	});

	it('oidcc-discovery-endpoint-verification: every address is https where the provider is', async () => {
		const behindTls = await startIdentityServer({ config: { publicUrl: 'https://id.example.com' } });
		try {
			const app = behindTls.service.listeners.find(({ name }) => name === 'public')?.app;
			const document = (await app?.inject({ url: '/auth/.well-known/openid-configuration' }))?.json() as Discovery;
			const addresses = Object.entries(document).filter(([name]) => /_endpoint$|_uri$|^issuer$/.test(name));
			expect(addresses.length).toBeGreaterThanOrEqual(5);
			for (const [, address] of addresses) expect(address).toMatch(/^https:\/\/id\.example\.com\/auth/);
		} finally {
			await behindTls.stop();
			await behindTls.test.drop();
		}
	});
});

describe('RFC 9700', () => {
	it('2.1.1: PKCE cannot be left out half way', async () => {
		expect(await refusal({ code_challenge: undefined, code_challenge_method: undefined })).toMatchObject({
			error: 'invalid_request',
		});
		expect(await refusal({ code_challenge_method: 'plain' })).toMatchObject({ error: 'invalid_request' });
		expect(await refusal({ code_challenge_method: undefined })).toMatchObject({ error: 'invalid_request' });
	});

	it('4.4: every answer names the issuer, errors too, so that two providers cannot be mixed up', async () => {
		expect(discovery.authorization_response_iss_parameter_supported).toBe(true);
		expect((await refusal({ prompt: 'none' })).iss).toBe(server.issuer);
		// openid-client insists on it in successful answers when discovery announces it.
		await signIn();
	});
});
