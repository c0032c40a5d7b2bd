/**
 * Every flow with its refusals, at the level `trace`: what only two parties may know must not be in the log, nor on the
 * console. Everything secret that crosses the wire is noted as it passes, and then looked for in pieces.
 */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Browser, type Visit } from '../test/browser.ts';
import { authorizationUrl, type Discovery, discover, newVerifier } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer, TEST_SECRET } from '../test/identity-server.ts';

const LOOPBACK = 'http://localhost:50505/auth/callback';
const PAGE = 'https://sign.example.com/sign/callback';
const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob';
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** A piece of this length is found, also of a secret that was cut off. */
const PIECE_CHARS = 12;

let server: IdentityServer;
let discovery: Discovery;
const printed: string[] = [];
/** Secret -> what it is. */
const secrets = new Map<string, string>();

function note(what: string, value: string | null | undefined): string {
	// The signature is what makes a token one; header and claims are no secret by themselves.
	const secret = value?.split('.').length === 3 ? value.split('.')[2] : value;
	if (secret) secrets.set(secret, what);
	return value ?? '';
}

/** One that nobody gave out: random, so that no word of the log looks like a piece of it. */
const made = (what: string): string => note(what, crypto.randomUUID());

/** Notes what the provider sends: cookies, codes, tokens, the secrets of forms. */
function noteAnswer(response: Response, body: string): void {
	for (const line of response.headers.getSetCookie()) note('cookie', /^[^=]+=([^;]*)/.exec(line)?.[1]);
	const location = response.headers.get('location');
	if (location !== null && URL.canParse(location)) note('code', new URL(location).searchParams.get('code'));
	for (const [, name = '', value = ''] of body.matchAll(/name="(xsrf)" value="([^"]+)"/g)) note(name, value);
	note('code out of band', /id="code">([^<]+)</.exec(body)?.[1]);
	if (!response.headers.get('content-type')?.startsWith('application/json')) return;
	const json = JSON.parse(body) as Record<string, string>;
	for (const name of ['id_token', 'access_token', 'device_code', 'user_code', 'token']) note(name, json[name]);
}

beforeAll(async () => {
	const config = { developmentLogin: 'with-secret', webClients: [{ id: 'web', redirectUri: PAGE }] };
	server = await startIdentityServer({ config });
	discovery = await discover(server.issuer);
	note('development secret', TEST_SECRET);
	const ask = globalThis.fetch;
	vi.spyOn(globalThis, 'fetch').mockImplementation(async (...args) => {
		const response = await ask(...args);
		noteAnswer(response, await response.clone().text());
		return response;
	});
	for (const level of ['log', 'info', 'warn', 'error', 'debug'] as const)
		vi.spyOn(console, level).mockImplementation((...args: unknown[]) => void printed.push(args.map(String).join(' ')));
});

afterAll(async () => {
	vi.restoreAllMocks();
	await server.stop();
	await server.test.drop();
});

/** The pieces of secrets that are in `text`. */
function found(text: string): string[] {
	return [...secrets].flatMap(([secret, what]) => {
		for (const form of [
			secret,
			Buffer.from(secret).toString('base64').replace(/=+$/, ''),
			encodeURIComponent(secret),
		]) {
			const length = Math.min(PIECE_CHARS, form.length);
			for (let at = 0; at + length <= form.length; at++)
				if (text.includes(form.slice(at, at + length))) return [`${what}: ${form.slice(at, at + length)}`];
		}
		return [];
	});
}

afterEach(() => {
	expect(server.logged.length).toBeGreaterThan(0);
	expect(secrets.size).toBeGreaterThan(1);
	expect(found([...server.logged, ...printed].join('\n'))).toEqual([]);
});

const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
	fetch(`${server.issuer}${path}`, { method: 'POST', body: new URLSearchParams(form), headers });

const basic = (id: string, secret: string) => ({
	authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

interface Begun {
	readonly code: string;
	readonly verifier: string;
}

/** A sign-in up to the code. */
async function begin(extra: Record<string, string> = {}): Promise<Begun> {
	const { verifier, challenge } = newVerifier();
	note('verifier', verifier);
	const state = made('state');
	const nonce = made('nonce');
	const browser = new Browser(server.publicUrl);
	const page = await browser.open(authorizationUrl(discovery, challenge, { state, nonce, ...extra }));
	const end = await browser.submit(Browser.action(page), { email: 'alice@example.com', secret: TEST_SECRET });
	const outOfBand = /id="code">([^<]+)</.exec(end.body)?.[1];
	return { code: outOfBand ?? new URL(end.leftFor ?? '').searchParams.get('code') ?? '', verifier };
}

const redeem = (
	{ code, verifier }: Begun,
	extra: Record<string, string> = {},
	headers: Record<string, string> = { ...basic('sigstore', '') },
) =>
	post(
		'/token',
		{ grant_type: 'authorization_code', code, redirect_uri: LOOPBACK, code_verifier: verifier, ...extra },
		headers,
	);

async function newProof(claims: Record<string, unknown> = {}): Promise<string> {
	const { privateKey, publicKey } = await generateKeyPair('ES256');
	const jti = note('jti of a proof', crypto.randomUUID());
	const proof = await new SignJWT({ htm: 'POST', htu: discovery.token_endpoint, jti, ...claims })
		.setIssuedAt()
		.setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
		.sign(privateKey);
	return note('proof', proof);
}

describe('the log has no secret', () => {
	it('of the code flow', async () => {
		const begun = await begin();
		expect((await redeem(begun)).status).toBe(200);
		expect((await redeem(begun)).status).toBe(400);
		const outOfBand = await begin({ redirect_uri: OUT_OF_BAND });
		expect((await redeem(outOfBand, { redirect_uri: OUT_OF_BAND })).status).toBe(200);
	});

	it('of a code flow that is refused', async () => {
		const wrong = note('wrong verifier', newVerifier().verifier);
		expect((await redeem(await begin(), { code_verifier: wrong })).status).toBe(400);
		expect((await redeem(await begin(), { redirect_uri: 'http://localhost:1/other' })).status).toBe(400);
		expect((await redeem(await begin(), {}, basic('nobody', made('client secret')))).status).toBe(401);
		expect((await redeem(await begin(), { code: made('code of nobody') })).status).toBe(400);
		expect((await redeem(await begin(), { grant_type: made('grant type') })).status).toBe(400);
	});

	it('of a sign-in that is cancelled, comes too late, or with a wrong secret', async () => {
		const browser = new Browser(server.publicUrl);
		const page = await browser.open(authorizationUrl(discovery, newVerifier().challenge));
		const secret = made('wrong secret');
		expect((await browser.submit(Browser.action(page), { email: 'alice@example.com', secret })).status).toBe(400);
		await browser.submit(`${page.url}/cancel`, {});
		expect((await browser.open(page.url)).status).toBe(400);
	});

	it('of the device flow', async () => {
		const device = (await (await post('/device/code', { client_id: 'sigstore', scope: 'openid email' })).json()) as {
			device_code: string;
			user_code: string;
		};
		const poll = () =>
			post('/token', { grant_type: DEVICE_GRANT, client_id: 'sigstore', device_code: device.device_code });
		expect((await poll()).status).toBe(400);
		const browser = new Browser(server.publicUrl);
		const send = (page: Visit, fields: Record<string, string>) =>
			browser.submit(Browser.action(page), { xsrf: Browser.hidden(page, 'xsrf'), ...fields });
		const wrong = await send(await browser.open('/auth/device'), { user_code: note('wrong user code', 'WXYZ-WXYZ') });
		const confirm = await send(wrong, { user_code: device.user_code });
		const login = await send(confirm, { user_code: device.user_code, confirm: 'yes' });
		await browser.submit(Browser.action(login), { email: 'alice@example.com', secret: TEST_SECRET });
		expect((await poll()).status).toBe(200);
		expect((await poll()).status).toBe(400);
		await post('/device', { xsrf: made('secret of a form'), user_code: 'WXYZ-WXYZ' });
	});

	it('of proofs of a key', async () => {
		const proof = await newProof();
		const client = { client_id: 'sigstore' };
		expect((await redeem(await begin(), client, { dpop: proof })).status).toBe(200);
		expect((await redeem(await begin(), client, { dpop: proof })).status).toBe(400);
		const misdirected = await newProof({ htu: 'https://evil.example/' });
		expect((await redeem(await begin(), client, { dpop: misdirected })).status).toBe(400);
		expect((await redeem(await begin(), client, { dpop: made('what is no proof') })).status).toBe(400);
	});

	it('of a page', async () => {
		const page = { client_id: 'web', redirect_uri: PAGE };
		expect((await redeem(await begin(page), page, { origin: new URL(PAGE).origin })).status).toBe(200);
		expect((await redeem(await begin(page), page, { origin: 'https://evil.example' })).status).toBe(400);
	});

	it('that is in the wrong place', async () => {
		const tokens = (await (await redeem(await begin())).json()) as { id_token: string; access_token: string };
		const { code, verifier } = await begin();
		const query = new URLSearchParams({ code, code_verifier: verifier, id_token_hint: tokens.id_token });
		const headers = { authorization: `Bearer ${tokens.access_token}` };
		for (const path of ['/token', '/auth', '/device', '/nothing', `/auth/${code}`, `/interaction/${code}`])
			await fetch(`${server.issuer}${path}?${query}`, { headers, redirect: 'manual' });
		await fetch(
			authorizationUrl(discovery, newVerifier().challenge, { prompt: 'none', id_token_hint: tokens.id_token }),
			{
				redirect: 'manual',
			},
		);
		await post('/token', {
			grant_type: 'refresh_token',
			client_id: 'sigstore',
			refresh_token: made('refresh token'),
		});
		await fetch(discovery.token_endpoint, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ code }),
		});
	});

	it('of development tokens', async () => {
		for (const secret of [TEST_SECRET, made('wrong secret')])
			await fetch(`${server.publicUrl}/development/token`, {
				method: 'POST',
				headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
				body: '{"email":"alice@example.com"}',
			});
	});

	it('when the database fails in the middle', async () => {
		const begun = await begin();
		const browser = new Browser(server.publicUrl);
		const page = await browser.open(authorizationUrl(discovery, newVerifier().challenge));
		await server.test.database.query('alter table identity.artifacts rename to moved_artifacts');
		try {
			expect((await redeem(begun)).status).toBeGreaterThanOrEqual(500);
			await browser.submit(Browser.action(page), { email: 'alice@example.com', secret: TEST_SECRET });
			await browser.open('/auth/device');
		} finally {
			await server.test.database.query('alter table identity.moved_artifacts rename to artifacts');
		}
		expect(server.logged.join('\n')).toContain('identity.artifacts');
	});

	it('because a secret in it would be found', async () => {
		const [[secret = '', what = ''] = []] = secrets;
		expect(found(`{"url":"/x?code=${secret.slice(3)}"}`).join()).toContain(what);
		expect(found(`{"url":"/x?code=${Buffer.from(secret).toString('base64')}"}`).join()).toContain(what);
	});
});
