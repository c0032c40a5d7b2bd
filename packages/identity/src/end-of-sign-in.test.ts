import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Browser, type Visit } from '../test/browser.ts';
import {
	authorizationUrl,
	type Discovery,
	discover,
	newVerifier,
	obtainCode,
	requestToken,
	signIn,
} from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';

const REDIRECT = 'http://localhost:50505/auth/callback';

let server: IdentityServer;
let discovery: Discovery;

beforeAll(async () => {
	server = await startIdentityServer();
	discovery = await discover(server.issuer);
});

beforeEach(async () => {
	await server.test.database.query('delete from identity.artifacts');
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

/** The kinds of rows that are there. */
const stored = async () =>
	(await server.test.database.query<{ model: string }>('select model from identity.artifacts order by model')).map(
		({ model }) => model,
	);

const redeem = (code: string, verifier: string, extra: Record<string, string> = {}) =>
	requestToken(
		discovery,
		{ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: verifier, ...extra },
		'sigstore:',
	);

describe('a sign-in in a browser', () => {
	it('leaves the code and what it stands for, and nothing in the browser', async () => {
		const browser = new Browser(server.publicUrl);
		const { verifier, challenge } = newVerifier();
		const end = await signIn(browser, authorizationUrl(discovery, challenge), 'alice@example.com');
		expect(browser.cookies).toEqual([]);
		expect(await stored()).toEqual(['AuthorizationCode', 'Grant']);
		expect((await redeem(new URL(end.leftFor ?? '').searchParams.get('code') ?? '', verifier)).status).toBe(200);
		expect(await stored()).toEqual(['AuthorizationCode', 'Grant']);
		const [left] = await server.test.database.query<{ seconds: number }>(
			'select extract(epoch from max(expires_at) - now())::int as seconds from identity.artifacts',
		);
		expect(left?.seconds).toBeLessThanOrEqual(360);
	});

	it('leaves nothing when it is cancelled', async () => {
		const browser = new Browser(server.publicUrl);
		const page = await browser.open(authorizationUrl(discovery, newVerifier().challenge));
		const end = await browser.submit(`${page.url}/cancel`, {});
		expect(end.leftFor).toContain('access_denied');
		expect(browser.cookies).toEqual([]);
		expect(await stored()).toEqual([]);
	});

	it('leaves nothing but the code out of band', async () => {
		const browser = new Browser(server.publicUrl);
		const url = authorizationUrl(discovery, newVerifier().challenge, { redirect_uri: 'urn:ietf:wg:oauth:2.0:oob' });
		await signIn(browser, url, 'alice@example.com');
		expect(browser.cookies).toEqual([]);
		expect(await stored()).toEqual(['AuthorizationCode', 'Grant']);
	});

	it('leaves no session when the account is gone before its end', async () => {
		const browser = new Browser(server.publicUrl);
		const page = await browser.open(authorizationUrl(discovery, newVerifier().challenge));
		await server.test.database.query(`create function identity.forget() returns trigger language plpgsql
			as $$ begin delete from identity.accounts where sub = new.sub; return null; end $$`);
		await server.test.database.query(`create trigger forget after insert or update on identity.accounts
			for each row execute function identity.forget()`);
		try {
			await browser.submit(Browser.action(page), { email: 'gone@example.com' });
			expect((await stored()).filter((model) => model === 'Session')).toEqual([]);
			expect(browser.cookies.filter(({ name }) => name === 'chancery_session')).toEqual([]);
		} finally {
			await server.test.database.query('drop function identity.forget cascade');
		}
	});

	it('cannot be continued with the cookies of one that has ended', async () => {
		const browser = new Browser(server.publicUrl);
		const page = await browser.open(authorizationUrl(discovery, newVerifier().challenge));
		const cookies = [...browser.cookies];
		await browser.submit(Browser.action(page), { email: 'alice@example.com' });
		browser.cookies = cookies;
		expect((await browser.open(page.url)).status).toBe(400);
		const again = await browser.submit(Browser.action(page), { email: 'mallory@example.com' });
		expect(again).toMatchObject({ status: 400, leftFor: undefined });
	});
});

interface Device {
	readonly device_code: string;
	readonly user_code: string;
	readonly verification_uri: string;
}

const send = (browser: Browser, page: Visit, fields: Record<string, string>) =>
	browser.submit(Browser.action(page), { xsrf: Browser.hidden(page, 'xsrf'), ...fields });

describe('a sign-in on another device', () => {
	/** Up to the page that asks whether this is the person's program. */
	async function begin(browser: Browser): Promise<{ device: Device; confirm: Visit }> {
		const response = await fetch(discovery.device_authorization_endpoint, {
			method: 'POST',
			body: new URLSearchParams({ client_id: 'sigstore', scope: 'openid email' }),
		});
		const device = (await response.json()) as Device;
		const typed = await browser.open(device.verification_uri);
		return { device, confirm: await send(browser, typed, { user_code: device.user_code }) };
	}
	const poll = ({ device_code }: Device) =>
		requestToken(discovery, {
			grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
			client_id: 'sigstore',
			device_code,
		});

	it('leaves the code and what it stands for, and nothing in the browser', async () => {
		const browser = new Browser(server.publicUrl);
		const { device, confirm } = await begin(browser);
		expect(browser.cookies.map(({ name, path }) => [name, path])).toEqual([['chancery_session', '/auth/device']]);
		const login = await send(browser, confirm, { user_code: device.user_code, confirm: 'yes' });
		const end = await browser.submit(Browser.action(login), { email: 'alice@example.com' });
		expect(end.body).toContain('You are signed in');
		expect(browser.cookies).toEqual([]);
		expect(await stored()).toEqual(['DeviceCode', 'Grant']);
		expect((await poll(device)).status).toBe(200);
	});

	it('leaves the refusal alone when the person stops it', async () => {
		const browser = new Browser(server.publicUrl);
		const { device, confirm } = await begin(browser);
		const end = await send(browser, confirm, { user_code: device.user_code, abort: 'yes' });
		expect(end.body).toContain('Stopped');
		expect(end.body).not.toContain('<form');
		expect(browser.cookies).toEqual([]);
		expect(await stored()).toEqual(['DeviceCode']);
		expect((await poll(device)).body.error).toBe('access_denied');
	});

	it('leaves the refusal alone when the person cancels at the login page', async () => {
		const browser = new Browser(server.publicUrl);
		const { device, confirm } = await begin(browser);
		const login = await send(browser, confirm, { user_code: device.user_code, confirm: 'yes' });
		const end = await browser.submit(`${login.url}/cancel`, {});
		expect(end.body).toContain('Stopped');
		expect(browser.cookies).toEqual([]);
		expect(await stored()).toEqual(['DeviceCode']);
		expect((await poll(device)).body.error).toBe('access_denied');
	});

	it('can be followed by another person in the same browser', async () => {
		const browser = new Browser(server.publicUrl);
		for (const email of ['alice@example.com', 'bob@example.com']) {
			const { device, confirm } = await begin(browser);
			const login = await send(browser, confirm, { user_code: device.user_code, confirm: 'yes' });
			await browser.submit(Browser.action(login), { email });
			const answer = await poll(device);
			const [, claims = ''] = (answer.body.id_token ?? '').split('.');
			expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ email });
		}
	});
});

describe('with https', () => {
	it('cookies have the prefix of secure ones, their own paths, and go away again', async () => {
		const publicUrl = 'https://id.example.com';
		const behindTls = await startIdentityServer({ config: { publicUrl } });
		try {
			const app = behindTls.service.listeners.find(({ name }) => name === 'public')?.app;
			if (!app) throw new Error('no public listener');
			const jar = new Map<string, string>();
			const visit = async (method: 'GET' | 'POST', url: string, payload?: string) => {
				const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
				const headers = {
					host: 'id.example.com',
					cookie,
					...(payload === undefined ? {} : { origin: publicUrl, 'content-type': 'application/x-www-form-urlencoded' }),
				};
				const answer = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
				const lines = [answer.headers['set-cookie'] ?? []].flat();
				for (const line of lines) {
					const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
					if (value === '' || /expires=Thu, 01 Jan 1970/i.test(line)) jar.delete(name);
					else jar.set(name, value);
				}
				return { answer, lines, location: new URL(String(answer.headers.location ?? '/'), publicUrl) };
			};
			const url = new URL(authorizationUrl(discovery, newVerifier().challenge));
			const begun = await visit('GET', url.pathname + url.search);
			const uid = begun.location.pathname.split('/').at(-1) ?? '';
			const shapes = begun.lines.map((line) => line.split(/=|; /)[0]);
			expect(shapes.sort()).toEqual(['__Secure-chancery_interaction', '__Secure-chancery_resume']);
			for (const line of begun.lines) {
				expect(line).toMatch(/; secure/i);
				expect(line).toMatch(/; httponly/i);
				expect(line).toMatch(/; samesite=lax/i);
				expect(line).not.toMatch(/; domain=/i);
				expect(line).toMatch(
					line.startsWith('__Secure-chancery_resume')
						? new RegExp(`; path=/auth/auth/${uid};`, 'i')
						: new RegExp(`; path=/auth/interaction/${uid};`, 'i'),
				);
			}
			const posted = await visit('POST', `/auth/interaction/${uid}/development`, 'email=alice%40example.com');
			const end = await visit('GET', posted.location.pathname);
			expect(end.location.searchParams.get('code')).not.toBeNull();
			expect([...jar]).toEqual([]);
			for (const line of end.lines) expect(line).toMatch(/; secure/i);

			const device = await visit('GET', '/auth/device');
			expect(device.lines).toHaveLength(1);
			expect(device.lines[0]).toMatch(/^__Secure-chancery_session=[^;]+; path=\/auth\/device; .*secure/i);
		} finally {
			await behindTls.stop();
			await behindTls.test.drop();
		}
	});
});

describe('refresh tokens', () => {
	it('are not to be had by asking for offline access', async () => {
		const { verifier, challenge } = newVerifier();
		const code = await obtainCode(server, discovery, challenge, {
			scope: 'openid email offline_access',
			prompt: 'consent',
		});
		const answer = await redeem(code, verifier);
		expect(answer.status).toBe(200);
		expect(Object.keys(answer.body).sort()).toEqual(['access_token', 'expires_in', 'id_token', 'scope', 'token_type']);
		expect(answer.body.scope).toBe('openid email');
		expect(discovery.scopes_supported).not.toContain('offline_access');
	});

	it('cannot be redeemed', async () => {
		for (const form of [
			{ client_id: 'sigstore', refresh_token: 'x' },
			{ client_id: 'sigstore', refresh_token: 'x', scope: 'offline_access' },
		]) {
			const answer = await requestToken(discovery, { grant_type: 'refresh_token', ...form });
			expect(answer).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
		}
		expect(discovery.grant_types_supported).not.toContain('refresh_token');
	});
});
