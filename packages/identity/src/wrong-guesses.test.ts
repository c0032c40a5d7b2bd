import { freePort } from '@chancery/testkit/free-port';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Browser, type Visit } from '../test/browser.ts';
import { authorizationUrl, type Discovery, discover, newVerifier } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer, TEST_SECRET } from '../test/identity-server.ts';

let server: IdentityServer;
/** Another process with the same database. */
let replica: IdentityServer;
let discovery: Discovery;

beforeAll(async () => {
	server = await startIdentityServer({ config: { developmentLogin: 'with-secret' } });
	const continueFrom = { ...server, publicUrl: `http://127.0.0.1:${await freePort()}` };
	replica = await startIdentityServer({ config: { developmentLogin: 'with-secret' }, continueFrom });
	discovery = await discover(server.issuer);
});

beforeEach(async () => {
	await server.test.database.query('delete from identity.wrong_guesses');
});

afterAll(async () => {
	await replica.stop();
	await server.stop();
	await server.test.drop();
});

const send = (browser: Browser, page: Visit, fields: Record<string, string>) =>
	browser.submit(Browser.action(page), { xsrf: Browser.hidden(page, 'xsrf'), ...fields });

async function tryCode(at: IdentityServer, userCode: string): Promise<Visit> {
	const browser = new Browser(at.publicUrl);
	return send(browser, await browser.open('/auth/device'), { user_code: userCode });
}

async function newUserCode(): Promise<string> {
	const response = await fetch(discovery.device_authorization_endpoint, {
		method: 'POST',
		body: new URLSearchParams({ client_id: 'sigstore', scope: 'openid email' }),
	});
	return ((await response.json()) as { user_code: string }).user_code;
}

const guesses = () =>
	server.test.database.query<{ counter: string; guesses: number }>(
		'select counter, sum(guesses)::int as guesses from identity.wrong_guesses group by counter order by counter',
	);

/** As if nearly all guesses of this window had been made; also of the next one, which may begin meanwhile. */
const spendAllBut = (left: number) =>
	server.test.database.query(
		`insert into identity.wrong_guesses (counter, window_start, guesses, expires_at)
		select counter, window_start + later, $1, expires_at + later
		from identity.wrong_guesses, (values (interval '0'), (interval '5 minutes')) as windows (later)
		where counter like '%/%'
		on conflict (counter, window_start) do update set guesses = excluded.guesses`,
		[300 - left],
	);

describe('wrong user codes', () => {
	it('are counted for the address and in total, and right ones are not', async () => {
		await tryCode(server, 'WXYZ-WXYZ');
		await tryCode(server, 'BCDF-BCDF');
		expect((await tryCode(server, await newUserCode())).body).toContain('Is this your program?');
		await tryCode(server, '');
		expect(await guesses()).toEqual([
			{ counter: 'user-code', guesses: 2 },
			{ counter: 'user-code/127.0.0.1', guesses: 2 },
		]);
	});

	it('have the shape from which the chance of a hit was computed', async () => {
		expect(await newUserCode()).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
	});

	it('are limited over all replicas, and then right ones are refused too', async () => {
		const userCode = await newUserCode();
		await tryCode(server, 'WXYZ-WXYZ');
		await spendAllBut(1);
		expect((await tryCode(replica, userCode)).status).toBe(200);
		expect((await tryCode(replica, 'WXYZ-WXYZ')).status).toBe(200);
		for (const at of [server, replica]) {
			const refused = await tryCode(at, userCode);
			expect(refused.status).toBe(429);
			expect(refused.body).toContain('too-many-guesses');
			expect(refused.headers.get('content-type')).toBe('text/html; charset=utf-8');
			const seconds = Number(refused.headers.get('retry-after'));
			expect(seconds).toBeGreaterThan(0);
			expect(seconds).toBeLessThanOrEqual(300);
		}
	});

	it('do not hinder programs that ask for codes or wait for people', async () => {
		await tryCode(server, 'WXYZ-WXYZ');
		await spendAllBut(0);
		expect(await newUserCode()).not.toBe('');
		expect((await new Browser(server.publicUrl).open('/auth/device')).status).toBe(200);
	});
});

describe('wrong development secrets', () => {
	const mint = (at: IdentityServer, authorization?: string) =>
		fetch(`${at.publicUrl}/development/token`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
			body: '{"email":"alice@example.com"}',
		});

	it('are limited at the endpoint for tokens', async () => {
		expect((await mint(server)).status).toBe(401);
		expect(await guesses()).toEqual([]);
		expect((await mint(server, 'Bearer wrong')).status).toBe(401);
		await spendAllBut(1);
		expect((await mint(replica, `Bearer ${TEST_SECRET}`)).status).toBe(200);
		expect((await mint(replica, 'Bearer wrong')).status).toBe(401);
		for (const at of [server, replica]) {
			const refused = await mint(at, `Bearer ${TEST_SECRET}`);
			expect(refused.status).toBe(429);
			expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
			expect(await refused.json()).toMatchObject({ reason: 'too-many-guesses' });
		}
	});

	it('are limited on the login page, with the same count', async () => {
		const submit = async (fields: Record<string, string>) => {
			const browser = new Browser(server.publicUrl);
			const page = await browser.open(authorizationUrl(discovery, newVerifier().challenge));
			return browser.submit(Browser.action(page), { email: 'alice@example.com', ...fields });
		};
		expect((await submit({ secret: 'wrong' })).status).toBe(400);
		expect((await submit({ secret: TEST_SECRET, email: 'nobody' })).status).toBe(400);
		expect((await guesses()).map((row) => row.guesses)).toEqual([1, 1]);
		await spendAllBut(0);
		const refused = await submit({ secret: TEST_SECRET });
		expect(refused).toMatchObject({ status: 429, leftFor: undefined });
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
		expect((await mint(server, `Bearer ${TEST_SECRET}`)).status).toBe(429);
	});
});
