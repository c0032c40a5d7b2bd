import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../test/browser.ts';
import { authorizationUrl, type Discovery, discover, newVerifier } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer, TEST_SECRET } from '../test/identity-server.ts';

let server: IdentityServer;
let discovery: Discovery;

beforeAll(async () => {
	server = await startIdentityServer({ config: { developmentLogin: 'with-secret' } });
	discovery = await discover(server.issuer);
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

const open = async (browser: Browser) => browser.open(authorizationUrl(discovery, newVerifier().challenge));

describe('the development login with a secret', () => {
	it('signs in who types it', async () => {
		const browser = new Browser(server.publicUrl);
		const page = await open(browser);
		expect(page.body).toContain('type="password"');
		const fields = { email: 'alice@example.com', secret: TEST_SECRET };
		expect((await browser.submit(Browser.action(page), fields)).leftFor).toMatch(/[?&]code=/);
	});

	it.each([
		['none', { email: 'alice@example.com' }],
		['an empty one', { email: 'alice@example.com', secret: '' }],
		['another', { email: 'alice@example.com', secret: `${TEST_SECRET}x` }],
		['another, and no address', { email: 'nobody', secret: 'x' }],
	])('refuses %s, says where it is, and shows nothing of what was typed as one', async (_, fields) => {
		const browser = new Browser(server.publicUrl);
		const end = await browser.submit(Browser.action(await open(browser)), fields as Record<string, string>);
		expect(end.leftFor).toBeUndefined();
		expect(end.body).toContain('That is not the secret of this instance.');
		expect(end.body).not.toContain(TEST_SECRET);
		expect(server.logged.join('\n')).not.toContain(TEST_SECRET);
	});

	it('does not start without a secret', async () => {
		const start = startIdentityServer({ config: { developmentLogin: 'with-secret' }, developmentSecret: null });
		await expect(start).rejects.toThrow('with-secret needs a developmentSecret');
	});
});
