/**
 * Everything that may go wrong at another provider, at a provider that does it: each ends in a page with a code, and in a
 * line of the log with the connector and the reason.
 */
import { createHmac } from 'node:crypto';
import { freePort } from '@chancery/testkit/free-port';
import { makeOpenIdIssuer } from '@chancery/testkit/openid-issuer';
import {
	json,
	type OpenIdProvider,
	type ProviderBehavior,
	startOpenIdProvider,
} from '@chancery/testkit/openid-provider';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Visit } from '../test/browser.ts';
import { authorizationUrl, type Discovery, discover, newVerifier } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';
import { type AtProvider, shownCode, signInAt } from '../test/upstream-visit.ts';
import { IDENTITY_ERRORS } from './errors.ts';

const SECRET = 'the secret of the broker at the provider';
const WRONG_SECRET = 'a secret that was right last year';
let folder: OpensslFolder;
let provider: OpenIdProvider;
let untrusted: OpenIdProvider;
let server: IdentityServer;
let discovery: Discovery;

beforeAll(async () => {
	folder = new OpensslFolder();
	const caFile = `${folder.path}/cert`;
	const named = ['-subj', '/CN=test', '-addext', 'subjectAltName=DNS:localhost'];
	folder.run(
		...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout key -out cert'.split(' '),
		...named,
	);
	const clients = { broker: SECRET };
	provider = await startOpenIdProvider({ clients });
	untrusted = await startOpenIdProvider({
		clients,
		tls: { key: folder.readText('key'), cert: folder.readText('cert') },
	});
	const connector = (id: string, changes: Record<string, unknown> = {}) => ({
		...{ type: 'oidc', id, name: 'People', issuer: provider.issuer, clientId: 'broker', clientSecret: { env: 'GOOD' } },
		...changes,
	});
	server = await startIdentityServer({
		environment: { GOOD: SECRET, BAD: WRONG_SECRET },
		config: {
			developmentLogin: false,
			connectors: [
				connector('people'),
				connector('formed', { subjectFormat: 'digits' }),
				connector('ruled', { rules: [{ claim: 'groups', anyOf: ['signers/*'] }] }),
				connector('wrong-secret', { clientSecret: { env: 'BAD' } }),
				connector('down', { issuer: `http://127.0.0.1:${await freePort()}/people` }),
				connector('untrusted', { issuer: untrusted.issuer }),
				connector('trusted', { issuer: untrusted.issuer, caFile }),
				connector('elsewhere', { issuer: `${provider.origin}/others` }),
				connector('misnamed', { issuer: `${provider.issuer}/tenant` }),
			],
		},
	});
	discovery = await discover(server.issuer);
});

afterEach(() => provider.behave({}));

afterAll(async () => {
	await server.stop();
	await server.test.drop();
	await provider.close();
	await untrusted.close();
	folder.remove();
});

interface Attempt {
	readonly connector?: string;
	readonly does?: Partial<ProviderBehavior>;
	readonly atProvider?: AtProvider;
	/** Changes the address that the provider sends the browser back to. */
	readonly back?: (address: URL) => void;
}

/** Goes there, signs in, comes back: the page or redirect where that ends, and the address that the browser came back to. */
async function attempt({ connector = 'people', does = {}, atProvider = { user: 'alice' }, back }: Attempt) {
	const browser = new Browser(server.publicUrl);
	const gone = await browser.open(authorizationUrl(discovery, newVerifier().challenge, { connector_id: connector }));
	if (gone.leftFor === undefined) return { browser, page: gone, returned: undefined };
	const returned = new URL(await signInAt(provider, gone.leftFor, atProvider));
	back?.(returned);
	provider.behave(does);
	return { browser, page: await browser.open(returned.href), returned };
}

function expectFailure(page: Visit, code: keyof typeof IDENTITY_ERRORS): void {
	const { status, title } = IDENTITY_ERRORS[code];
	expect([shownCode(page), page.status, page.leftFor]).toEqual([code, status, undefined]);
	expect(status).not.toBe(500);
	expect(page.body).toContain(`<h1>${title}</h1>`);
}

const claims = (changes: Record<string, unknown>) => ({
	claims: (usual: Record<string, unknown>) => ({ ...usual, ...changes }),
});
/** Another answer at one path. */
const at = (path: string, status: number, body: unknown, headers = {}): Partial<ProviderBehavior> => ({
	answer: (asked, usual) => (asked === path ? json(status, body, headers) : usual),
});
const silentAt = (path: string): Partial<ProviderBehavior> => ({
	answer: (asked, usual) => (asked === path ? undefined : usual),
});
const refuse = (url: URL, error: string) => {
	url.searchParams.delete('code');
	url.searchParams.set('error', error);
};
/** In the ID token as at the userinfo endpoint. */
const unsaid = (claim: string): Partial<ProviderBehavior> => ({
	...claims({ [claim]: undefined }),
	answer: (path, usual) =>
		path === '/userinfo' ? json(200, { ...(JSON.parse(usual.body) as object), [claim]: undefined }) : usual,
});
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
/** Signed with the client secret, or not at all: both are algorithms that a careless reader takes. */
const symmetric = (set: object) => {
	const signed = `${encode({ alg: 'HS256' })}.${encode(set)}`;
	return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
};
const unsigned = (set: object) => `${encode({ alg: 'none' })}.${encode(set)}.`;

const FAILURES: readonly (Attempt & { readonly what: string; readonly code: keyof typeof IDENTITY_ERRORS })[] = [
	{ what: 'nobody listens', connector: 'down', code: 'upstream-unavailable' },
	{ what: 'its certificate is not trusted', connector: 'untrusted', code: 'upstream-untrusted' },
	{ what: 'it has no discovery document there', connector: 'elsewhere', code: 'upstream-misconfigured' },
	{ what: 'its issuer is another', connector: 'misnamed', does: {}, code: 'upstream-misconfigured' },
	{ what: 'the client secret is wrong', connector: 'wrong-secret', code: 'upstream-misconfigured' },
	{ what: 'it does not work', does: at('/token', 503, { error: 'server_error' }), code: 'upstream-unavailable' },
	{ what: 'it is overloaded', does: at('/token', 429, {}), code: 'upstream-unavailable' },
	{ what: 'it never answers', does: silentAt('/token'), code: 'upstream-unavailable' },
	{ what: 'it answers with a page', does: at('/token', 200, '<html>'), code: 'upstream-invalid' },
	{ what: 'it answers with an empty object', does: at('/token', 200, {}), code: 'upstream-invalid' },
	{ what: 'it answers without end', does: at('/token', 200, 'x'.repeat(300_000)), code: 'upstream-invalid' },
	{ what: 'it redirects', does: at('/token', 302, {}, { location: 'http://127.0.0.1:1/' }), code: 'upstream-invalid' },
	{
		what: 'it gives no ID token',
		does: at('/token', 200, { access_token: 'x', token_type: 'bearer' }),
		code: 'upstream-token-invalid',
	},
	{ what: 'the code is refused', does: at('/token', 400, { error: 'invalid_grant' }), code: 'upstream-code-refused' },
	{ what: 'it says an unknown error', does: at('/token', 400, { error: 'moon_phase' }), code: 'upstream-invalid' },
	{
		what: 'another key signed',
		does: { sign: makeOpenIdIssuer('http://x', 'key-1').sign },
		code: 'upstream-token-invalid',
	},
	{
		what: 'a key that it never had signed',
		does: { sign: makeOpenIdIssuer('http://x', 'key-x').sign },
		code: 'upstream-token-invalid',
	},
	{ what: 'the secret signed', does: { sign: symmetric }, code: 'upstream-token-invalid' },
	{ what: 'nobody signed', does: { sign: unsigned }, code: 'upstream-token-invalid' },
	{ what: 'the token is no token', does: { sign: () => 'a.b.c' }, code: 'upstream-token-invalid' },
	{ what: 'the nonce is another', does: claims({ nonce: 'x'.repeat(43) }), code: 'upstream-token-invalid' },
	{ what: 'the nonce is missing', does: claims({ nonce: undefined }), code: 'upstream-token-invalid' },
	{ what: 'the token is for another client', does: claims({ aud: 'another' }), code: 'upstream-token-invalid' },
	{
		what: 'the token is of another issuer',
		does: claims({ iss: 'https://evil.example' }),
		code: 'upstream-token-invalid',
	},
	{ what: 'the token has expired', does: claims({ exp: 1_700_000_000 }), code: 'upstream-token-invalid' },
	{ what: 'the person cancels', atProvider: { cancel: '1' }, code: 'upstream-refused' },
	{ what: 'there is no subject', does: claims({ sub: undefined }), code: 'upstream-subject-invalid' },
	{ what: 'the subject is a number', does: claims({ sub: 17 }), code: 'upstream-subject-invalid' },
	{ what: 'the subject is empty', does: claims({ sub: '' }), code: 'upstream-subject-invalid' },
	{ what: 'the subject is too long', does: claims({ sub: 'x'.repeat(256) }), code: 'upstream-subject-invalid' },
	{ what: 'the subject has controls', does: claims({ sub: 'a\u0000b' }), code: 'upstream-subject-invalid' },
	{ what: 'the subject has another form', connector: 'formed', code: 'upstream-subject-changed' },
	{ what: 'there is no address', does: unsaid('email'), code: 'upstream-no-email' },
	{ what: 'the address is a list', does: claims({ email: ['a@example.com'] }), code: 'upstream-no-email' },
	{ what: 'the address is none', does: claims({ email: 'alice' }), code: 'upstream-no-email' },
	{ what: 'the address is not verified', does: claims({ email_verified: false }), code: 'upstream-email-unverified' },
	{ what: 'the address may be verified', does: unsaid('email_verified'), code: 'upstream-email-unverified' },
	{
		what: 'the address is verified in another way',
		does: claims({ email_verified: 1 }),
		code: 'upstream-email-unverified',
	},
	{
		what: 'no group is the right one',
		connector: 'ruled',
		does: claims({ groups: ['signers/a/b', 'all'] }),
		code: 'upstream-not-allowed',
	},
	{ what: 'there are no groups', connector: 'ruled', code: 'upstream-not-allowed' },
	{
		what: 'the answer is of another provider',
		back: (url) => url.searchParams.set('iss', 'https://evil.example'),
		code: 'upstream-invalid',
	},
	{
		what: 'the answer does not say of whom it is',
		back: (url) => url.searchParams.delete('iss'),
		code: 'upstream-invalid',
	},
	{ what: 'the answer has two codes', back: (url) => url.searchParams.append('code', 'x'), code: 'upstream-invalid' },
	{ what: 'the answer has no code', back: (url) => url.searchParams.delete('code'), code: 'upstream-invalid' },
	{
		what: 'the answer says that it does not work',
		back: (url) => refuse(url, 'temporarily_unavailable'),
		code: 'upstream-unavailable',
	},
	{
		what: 'the answer says that the client may not',
		back: (url) => refuse(url, 'unauthorized_client'),
		code: 'upstream-misconfigured',
	},
	{ what: 'the state is unknown', back: (url) => url.searchParams.set('state', 'x'.repeat(43)), code: 'login-expired' },
	{ what: 'there is no state', back: (url) => url.searchParams.delete('state'), code: 'login-expired' },
];

describe('a provider that fails', () => {
	it.each(FAILURES)('is told apart: $what ($code)', async ({ code, ...asked }) => {
		const from = server.logged.length;
		const { page, returned } = await attempt(asked);
		expectFailure(page, code);
		const lines = server.logged.slice(from).join('');
		if (code.startsWith('upstream-')) {
			const line = server.logged.slice(from).map((text) => JSON.parse(text) as Record<string, unknown>);
			expect(line).toContainEqual(
				expect.objectContaining({
					connector: asked.connector ?? 'people',
					reason: code,
					upstream: expect.stringMatching(/./),
				}),
			);
		}
		for (const name of ['code', 'state']) {
			const secret = returned?.searchParams.get(name) ?? '';
			if (secret.length > 4) expect(lines + page.body).not.toContain(secret);
		}
		expect(lines).not.toContain(SECRET);
		expect(lines).not.toContain(WRONG_SECRET);
	});

	it('says in its own words what it did not like, and they are in the log without the code', async () => {
		const { returned } = await attempt({
			does: {
				answer: (path, usual) =>
					path === '/token'
						? json(400, { error: 'invalid_grant', error_description: `no such code\n${returnedCode()}` })
						: usual,
			},
			back: (url) => {
				code = url.searchParams.get('code') ?? '';
			},
		});
		expect(returned?.searchParams.get('code')).toBe(code);
		expect(server.logged.at(-1)).not.toContain(code);
		expect(server.logged.join('')).toContain('invalid_grant: no such code [secret]');
	});
	let code = '';
	const returnedCode = () => code;

	it('is not asked again within a pause, and says when to come back', async () => {
		const { page } = await attempt({ connector: 'down' });
		expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
	});

	it('that has changed its key is believed at once', async () => {
		await expectSignedIn(await attempt({}));
		provider.rotate();
		await expectSignedIn(await attempt({}));
	});

	it('whose keys cannot be had signs nobody in', async () => {
		provider.rotate();
		expectFailure((await attempt({ does: at('/keys', 404, {}) })).page, 'upstream-invalid');
		expectFailure((await attempt({ does: at('/keys', 503, {}) })).page, 'upstream-unavailable');
		expectFailure((await attempt({ does: at('/keys', 200, { keys: 'x' }) })).page, 'upstream-invalid');
		await expectSignedIn(await attempt({}));
	});

	it('is trusted when the connector names its authority', async () => {
		const browser = new Browser(server.publicUrl);
		const url = authorizationUrl(discovery, newVerifier().challenge, { connector_id: 'trusted' });
		expect((await browser.open(url)).leftFor).toMatch(new RegExp(`^${untrusted.issuer}/auth\\?`));
	});

	it('may keep the address for its userinfo endpoint, which must speak of the same person', async () => {
		const kept = claims({ email: undefined });
		await expectSignedIn(await attempt({ does: kept }));
		const other = at('/userinfo', 200, { sub: 'somebody else', email: 'root@example.com', email_verified: true });
		expectFailure((await attempt({ does: { ...kept, ...other } })).page, 'upstream-invalid');
		expectFailure((await attempt({ does: { ...kept, ...at('/userinfo', 401, {}) } })).page, 'upstream-invalid');
	});

	it('gets each answer redeemed once', async () => {
		const { browser, returned, page } = await attempt({});
		expect(page.leftFor).toBeDefined();
		const asked = provider.requests.length;
		expectFailure(await browser.open(returned?.href ?? ''), 'login-expired');
		expect(provider.requests.slice(asked)).toEqual([]);
	});

	it('leaves the service ready, and is named in its health', async () => {
		const { ready, checks } = await server.service.health();
		expect(ready).toBe(true);
		expect(checks['connector down']).toMatchObject({ ok: false });
		expect(checks['connector people']).toEqual({ ok: true, detail: 'answers' });
	});
});

async function expectSignedIn({ page }: { page: Visit }): Promise<void> {
	expect(page.body).not.toContain('Code:');
	expect(new URL(page.leftFor ?? 'about:blank').searchParams.has('code')).toBe(true);
}
