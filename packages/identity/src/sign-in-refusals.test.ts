import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../test/browser.ts';
import {
	authorizationUrl,
	type Discovery,
	discover,
	newVerifier,
	obtainCode,
	requestToken,
} from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';

let server: IdentityServer;
let discovery: Discovery;

beforeAll(async () => {
	server = await startIdentityServer({ config: { clients: ['sigstore', 'other'] } });
	discovery = await discover(server.issuer);
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

const REDIRECT = 'http://localhost:50505/auth/callback';
const redeem = (code: string, verifier: string, basic = 'sigstore:', extra: Record<string, string> = {}) =>
	requestToken(
		discovery,
		{ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier, ...extra },
		basic,
	);

describe('an authorization request is refused', () => {
	it.each([
		'https://evil.example/callback',
		'http://evil.example/callback',
		'http://localhost.evil.example/callback',
		'http://localhost@evil.example/',
		'http://evil.example#@localhost/',
		'http://localhost:1234\\@evil.example/',
		'https://localhost:1234/callback',
		'http://user@localhost:1234/callback',
		'http://localhost:1234/callback#fragment',
		'http://10.0.0.1/callback',
		'http://2130706433/',
		'http://localhost:99999/',
		'urn:ietf:wg:oauth:2.0:oob:auto',
		'javascript:alert(1)',
		'sigstore://callback',
	])('on a page of its own, never by redirect, for the redirect URI %s', async (redirectUri) => {
		const url = authorizationUrl(discovery, newVerifier().challenge, { redirect_uri: redirectUri });
		const end = await new Browser(server.publicUrl).open(url);
		expect(end).toMatchObject({ status: 400, leftFor: undefined });
		expect(end.body).toContain('redirect_uri');
		expect(end.headers.get('content-security-policy')).toContain("default-src 'none'");
	});

	it.each([
		['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
		['with a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
		['for a token without a code', { response_type: 'id_token', nonce: 'n' }, 'invalid_request'],
		['that must not show a page', { prompt: 'none' }, 'login_required'],
		['with a request object', { request: 'e30.e30.' }, 'request_not_supported'],
	])('%s', async (_what, extra, error) => {
		const end = await new Browser(server.publicUrl).open(authorizationUrl(discovery, newVerifier().challenge, extra));
		const location = new URL(end.leftFor ?? 'none:');
		const told = location.searchParams.get('error') ?? new URLSearchParams(location.hash.slice(1)).get('error');
		expect(told ?? end.body).toContain(error);
	});

	it('of an unknown client, also with an id that no database accepts', async () => {
		for (const client of ['nobody', 'nobody\u00e9', `x${'y'.repeat(3000)}`]) {
			const url = authorizationUrl(discovery, newVerifier().challenge, { client_id: client });
			expect(await new Browser(server.publicUrl).open(url)).toMatchObject({ status: 400, leftFor: undefined });
		}
	});
});

describe('a token request is refused', () => {
	it('with the wrong verifier, and then the code is worth nothing to a third party', async () => {
		const { challenge } = newVerifier();
		const code = await obtainCode(server, discovery, challenge);
		expect(await redeem(code, newVerifier().verifier)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
	});

	it('without a verifier', async () => {
		const code = await obtainCode(server, discovery, newVerifier().challenge);
		const form = { grant_type: 'authorization_code', code, redirect_uri: REDIRECT };
		expect(await requestToken(discovery, form, 'sigstore:')).toMatchObject({
			status: 400,
			body: { error: 'invalid_grant' },
		});
	});

	it('for a code that was redeemed before', async () => {
		const { verifier, challenge } = newVerifier();
		const code = await obtainCode(server, discovery, challenge);
		expect((await redeem(code, verifier)).status).toBe(200);
		expect(await redeem(code, verifier)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
	});

	it('for all but one of many that redeem one code at once', async () => {
		const { verifier, challenge } = newVerifier();
		const code = await obtainCode(server, discovery, challenge);
		const answers = await Promise.all(Array.from({ length: 8 }, () => redeem(code, verifier)));
		expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
		for (const answer of answers.filter(({ status }) => status !== 200))
			expect(answer.body.error).toBe('invalid_grant');
	});

	it('with another redirect URI than the code was for', async () => {
		const { verifier, challenge } = newVerifier();
		const code = await obtainCode(server, discovery, challenge);
		const answer = await redeem(code, verifier, 'sigstore:', { redirect_uri: 'http://localhost:50506/auth/callback' });
		expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
	});

	it('by another client than the code was for', async () => {
		const { verifier, challenge } = newVerifier();
		const code = await obtainCode(server, discovery, challenge);
		expect(await redeem(code, verifier, 'other:')).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
	});

	it.each([
		['an unknown client in Basic', 'nobody:'],
		['an unknown client with a secret', 'nobody:secret'],
		['a Basic header without colon', 'garbage'],
	])('from %s', async (_what, basic) => {
		const { verifier, challenge } = newVerifier();
		const code = await obtainCode(server, discovery, challenge);
		const answer = await redeem(code, verifier, basic);
		expect(answer.status).toBeGreaterThanOrEqual(400);
		expect(answer.body).not.toHaveProperty('id_token');
	});

	it('when form and Basic name different clients', async () => {
		const { verifier, challenge } = newVerifier();
		const code = await obtainCode(server, discovery, challenge);
		const answer = await redeem(code, verifier, 'sigstore:', { client_id: 'other' });
		expect(answer.status).toBe(400);
	});

	it('in the shape of OAuth, also when the body is no form', async () => {
		for (const [type, body] of [
			['application/json', '{"grant_type":"authorization_code"}'],
			['application/x-www-form-urlencoded', '%%%=&&&\u0000'],
			['application/x-www-form-urlencoded', ''],
		] as const) {
			const response = await fetch(discovery.token_endpoint, {
				method: 'POST',
				body,
				headers: { 'content-type': type },
			});
			expect(response.status).toBe(400);
			expect(await response.json()).toHaveProperty('error');
		}
	});
});

/** A POST with headers that fetch would not let a page choose. */
function rawPost(
	url: string,
	headers: Record<string, string>,
	body: string,
): Promise<{ status: number; body: string }> {
	return new Promise((resolve, reject) => {
		const sent = httpRequest(url, { method: 'POST', headers }, (response) => {
			let text = '';
			response
				.on('data', (chunk) => (text += chunk))
				.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
		});
		sent.on('error', reject).end(body);
	});
}

describe('the login page', () => {
	const begin = async () => {
		const browser = new Browser(server.publicUrl);
		const page = await browser.open(authorizationUrl(discovery, newVerifier().challenge));
		const cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
		return { browser, page, action: Browser.action(page), cookie };
	};
	const FORM = 'application/x-www-form-urlencoded';

	it('has no script, cannot be framed, and leads only home and to the client', async () => {
		const { page } = await begin();
		expect(page.body).not.toMatch(/<script|javascript:|\son[a-z]+=/i);
		expect(page.body).toContain('Development login');
		const policy = page.headers.get('content-security-policy') ?? '';
		expect(policy).toMatch(
			/^default-src 'none'; style-src 'sha256-[^']+'; font-src 'self'; img-src 'self'; form-action 'self' http:\/\/localhost:50505; base-uri 'none'; frame-ancestors 'none'$/,
		);
		expect(page.headers.get('x-frame-options')).toBe('DENY');
		expect(page.headers.get('cache-control')).toBe('no-store');
	});

	it('keeps its cookie from scripts, other sites and other paths', async () => {
		const response = await fetch(authorizationUrl(discovery, newVerifier().challenge), { redirect: 'manual' });
		const [cookie = ''] = response.headers.getSetCookie().filter((line) => line.startsWith('chancery_interaction='));
		expect(cookie).toMatch(/; path=\/auth\/interaction\/[\w-]+;/);
		expect(cookie.toLowerCase()).toContain('; httponly');
		expect(cookie.toLowerCase()).toContain('; samesite=lax');
	});

	it.each([
		['another site', 'https://evil.example'],
		['another port of the same host', 'http://127.0.0.1:1'],
		['a sandboxed frame', 'null'],
		['our origin with something behind it', 'http://127.0.0.1.evil.example'],
	])('refuses a form from %s', async (_where, origin) => {
		const { browser, action } = await begin();
		const end = await browser.submit(action, { email: 'mallory@example.com' }, { origin });
		expect(end).toMatchObject({ status: 403, leftFor: undefined });
		expect(end.headers.get('content-type')).toBe('text/html; charset=utf-8');
	});

	it('refuses a form without an origin', async () => {
		const { action, cookie } = await begin();
		const headers = { 'content-type': FORM, cookie };
		expect((await rawPost(server.publicUrl + action, headers, 'email=mallory%40example.com')).status).toBe(403);
	});

	it.each(['evil.example', 'localhost', '127.0.0.1', '127.0.0.1:1'])('refuses the host %s', async (host) => {
		const { action, cookie, page } = await begin();
		const headers = { 'content-type': FORM, cookie, host, origin: server.publicUrl };
		expect((await rawPost(server.publicUrl + action, headers, 'email=a%40example.com')).status).toBe(403);
		const got = await new Promise<number>((resolve) =>
			httpRequest(page.url, { headers: { host, cookie } }, (response) =>
				resolve(response.resume().statusCode ?? 0),
			).end(),
		);
		expect(got).toBe(403);
	});

	it('refuses a form without the cookie of its sign-in', async () => {
		const { action } = await begin();
		const headers = { 'content-type': FORM, origin: server.publicUrl };
		expect((await rawPost(server.publicUrl + action, headers, 'email=a%40example.com')).status).toBe(400);
	});

	it('refuses the cookie of another sign-in', async () => {
		const victim = await begin();
		const attacker = await begin();
		const headers = { 'content-type': FORM, origin: server.publicUrl, cookie: attacker.cookie };
		const answer = await rawPost(server.publicUrl + victim.action, headers, 'email=a%40example.com');
		expect(answer.status).toBe(400);
		expect(answer.body).toContain('another sign-in');
	});

	it('cannot be finished by a browser that did not begin it', async () => {
		const { browser, action } = await begin();
		const interaction = browser.cookies.filter(({ name }) => name === 'chancery_interaction');
		const thief = new Browser(server.publicUrl);
		thief.cookies = interaction;
		const end = await thief.submit(action, { email: 'a@example.com' });
		expect(end).toMatchObject({ status: 400, leftFor: undefined });
	});

	it.each([
		'',
		'alice',
		'alice@',
		'@example.com',
		'a b@example.com',
		'"><script>alert(1)</script>@x.y',
		'älice@example.com',
	])('shows the form again for the address %j', async (email) => {
		const { browser, action } = await begin();
		const end = await browser.submit(action, { email });
		expect(end).toMatchObject({ status: 400, leftFor: undefined });
		expect(end.body).toContain('role="alert"');
		expect(end.body).not.toContain('<script');
		expect((await browser.submit(Browser.action(end), { email: 'alice@example.com' })).leftFor).toContain('code=');
	});

	it('refuses ways to sign in that do not exist, and bodies that are no forms', async () => {
		const { browser, page, action } = await begin();
		expect((await browser.submit(`${page.url}/github`, {})).status).toBe(404);
		const json = await browser.submit(action, {}, { 'content-type': 'application/json' });
		expect(json.status).toBe(415);
	});

	it('is gone when its time is over', async () => {
		const { browser, action } = await begin();
		await server.test.database.query(`update identity.artifacts set expires_at = now() - interval '1 second'`);
		const end = await browser.submit(action, { email: 'alice@example.com' });
		expect(end.status).toBe(400);
		expect(end.body).toContain('expired');
	});
});

describe('an instance without a way to sign in', () => {
	it('says so and sends no one anywhere', async () => {
		const bare = await startIdentityServer({ config: { developmentLogin: false }, developmentSecret: null });
		try {
			const browser = new Browser(bare.publicUrl);
			const page = await browser.open(authorizationUrl(await discover(bare.issuer), newVerifier().challenge));
			expect(page.body).toContain('No way to sign in is configured');
			expect((await browser.submit(`${page.url}/development`, { email: 'a@example.com' })).status).toBe(404);
			expect((await bare.service.health()).checks.login?.ok).toBe(false);
		} finally {
			await bare.stop();
			await bare.test.drop();
		}
	});
});
