import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Visit } from '../test/browser.ts';
import { type Discovery, discover, newVerifier, requestToken } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';

let server: IdentityServer;
let discovery: Discovery;

beforeAll(async () => {
	server = await startIdentityServer();
	discovery = await discover(server.issuer);
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

interface Device {
	device_code: string;
	user_code: string;
	verification_uri: string;
	verification_uri_complete: string;
	expires_in: number;
}

/** The request of cosign: with a code challenge, which has no meaning here and must be accepted. */
async function startDevice(): Promise<Device> {
	const response = await fetch(discovery.device_authorization_endpoint, {
		method: 'POST',
		body: new URLSearchParams({
			client_id: 'sigstore',
			scope: 'openid email',
			code_challenge: newVerifier().challenge,
			code_challenge_method: 'S256',
		}),
	});
	expect(response.status).toBe(200);
	return (await response.json()) as Device;
}

const poll = (device: Device) =>
	requestToken(discovery, {
		grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
		client_id: 'sigstore',
		device_code: device.device_code,
		scope: 'openid email',
		code_verifier: newVerifier().verifier,
	});

const send = (browser: Browser, page: Visit, fields: Record<string, string>) =>
	browser.submit(Browser.action(page), { xsrf: Browser.hidden(page, 'xsrf'), ...fields });

describe('the device flow', () => {
	it('signs in a program without a browser, once', async () => {
		const device = await startDevice();
		expect(device.verification_uri).toBe(`${server.issuer}/device`);
		expect(device.user_code).toMatch(/^[A-Z]{4}-[A-Z]{4}$/);
		expect(device.expires_in).toBe(300);
		expect(await poll(device)).toMatchObject({ status: 400, body: { error: 'authorization_pending' } });

		const browser = new Browser(server.publicUrl);
		const input = await browser.open(device.verification_uri);
		expect(input.body).not.toMatch(/<script|\son[a-z]+=/i);
		const confirm = await send(browser, input, { user_code: device.user_code });
		expect(confirm.body).toContain(device.user_code);
		const login = await send(browser, confirm, { user_code: device.user_code, confirm: 'yes' });
		const end = await browser.submit(Browser.action(login), { email: 'alice@example.com' });
		expect(end).toMatchObject({ status: 200, leftFor: undefined });
		expect(end.body).toContain('You are signed in');

		const answer = await poll(device);
		expect(answer.status).toBe(200);
		const keys = createRemoteJWKSet(new URL(discovery.jwks_uri));
		for (const name of ['id_token', 'access_token']) {
			const { payload } = await jwtVerify(answer.body[name] ?? '', keys, {
				issuer: server.issuer,
				audience: 'sigstore',
			});
			expect(payload).toMatchObject({ email: 'alice@example.com', email_verified: true });
		}
		expect(await poll(device)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
	});

	it('only fills in the code that a link carries: the person still confirms it', async () => {
		const device = await startDevice();
		const browser = new Browser(server.publicUrl);
		const page = await browser.open(device.verification_uri_complete);
		expect(page.body).not.toContain('<script');
		expect(page.body).toContain(`value="${device.user_code}"`);
		expect(await poll(device)).toMatchObject({ body: { error: 'authorization_pending' } });
		const confirm = await send(browser, page, { user_code: device.user_code });
		expect(confirm.body).toContain('Is this your program?');
	});

	it('does not carry a link into the page unescaped', async () => {
		const page = await new Browser(server.publicUrl).open('/auth/device?user_code="><script>&user_code=x');
		expect(page.status).toBe(200);
		expect(page.body).not.toContain('<script');
	});

	it('tells the program when the person stops', async () => {
		const device = await startDevice();
		const browser = new Browser(server.publicUrl);
		const confirm = await send(browser, await browser.open(device.verification_uri), { user_code: device.user_code });
		const end = await send(browser, confirm, { user_code: device.user_code, abort: 'yes' });
		expect(end.body).toContain('Stopped');
		expect(await poll(device)).toMatchObject({ status: 400, body: { error: 'access_denied' } });
	});

	it('asks again for an unknown code and for none', async () => {
		for (const user_code of ['WXYZ-WXYZ', '', '\u0000', "' or 1=1 --"]) {
			const browser = new Browser(server.publicUrl);
			const end = await send(browser, await browser.open('/auth/device'), { user_code });
			expect(end.body).toContain('That code is not known');
		}
	});

	it('refuses forms that do not belong to the browser', async () => {
		const device = await startDevice();
		const browser = new Browser(server.publicUrl);
		const page = await browser.open(device.verification_uri);
		const stranger = new Browser(server.publicUrl);
		await stranger.open(device.verification_uri);
		const end = await send(stranger, page, { user_code: device.user_code, confirm: 'yes' });
		expect(end.status).toBe(400);
		expect(end.body).not.toContain('Sign in</button>');
	});

	const NO_COOKIE = 'Start again from the program that sent you here.';
	it.each<{ name: string; path: string; form?: string; cookie?: string; says: string }>([
		{ name: 'a form without a cookie', path: '/device', form: 'xsrf=x&user_code=ABCD-EFGH', says: NO_COOKIE },
		{ name: 'an empty form without a cookie', path: '/device', form: '', says: NO_COOKIE },
		{ name: 'the end of a sign-in that never began', path: '/device/code', says: NO_COOKIE },
		{
			name: 'a form with the cookie of nobody',
			path: '/device',
			form: 'xsrf=x',
			cookie: 'chancery_session=surprise',
			says: 'could not find device form details',
		},
	])('answers $name with a page that says why', async ({ path, form, cookie = '', says }) => {
		const response = await fetch(`${server.issuer}${path}`, {
			headers: { cookie, accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' },
			...(form === undefined ? {} : { method: 'POST', body: form }),
		});
		expect(response.status).toBe(400);
		expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
		expect(await response.text()).toContain(says);
	});

	it('refuses unknown clients', async () => {
		const response = await fetch(discovery.device_authorization_endpoint, {
			method: 'POST',
			body: new URLSearchParams({ client_id: 'nobody', scope: 'openid email' }),
		});
		expect(response.status).toBe(401);
		expect(await response.json()).toMatchObject({ error: 'invalid_client' });
	});
});
