/** The client `web` of an instance, from a page at its redirect URI, in a real browser: CORS and `form-action` are its rules. */
import type { Server } from 'node:http';
import { launchChromium } from '@chancery/testkit/browser/chromium';
import { PersonAtBrowser } from '@chancery/testkit/browser/person';
import { freePort } from '@chancery/testkit/free-port';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openInstance } from '../judges/running-instance.ts';
import { signIn } from './our-pages.ts';
import { serveSigningPage } from './signing-page.ts';

const instance = openInstance('instance');
const issuer = instance.oidcIssuer;
/** The first port of the instance, which is that of its pages. */
const port = Number(new URL(issuer).port) - 1;
const redirectUri = `http://localhost:${port}/sign/callback`;

let chromium: Awaited<ReturnType<typeof launchChromium>>;
const servers: Server[] = [];

beforeAll(async () => {
	chromium = await launchChromium();
	servers.push(await serveSigningPage({ port, issuer, clientId: 'web', redirectUri }));
});

afterAll(async () => {
	await chromium?.close();
	for (const server of servers) server.close();
});

/** The claims of a token. */
function claimsOf(token: string | undefined): Record<string, unknown> {
	const [, payload = ''] = (token ?? '').split('.');
	return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}

/** What the page shows at the end. */
async function resultOf(person: PersonAtBrowser): Promise<Record<string, unknown>> {
	await person.page.locator('#result:not(:empty)').waitFor();
	return JSON.parse((await person.page.locator('#result').textContent()) ?? '') as Record<string, unknown>;
}

it('a page signs its visitor in, and gets tokens that are bound to its key', async () => {
	const person = await PersonAtBrowser.sitDown(chromium, new URL(issuer).origin);
	await person.open(`http://localhost:${port}/`);
	await person.leaveBy(() => person.page.getByRole('button', { name: 'Begin' }).click());
	await signIn(person, 'alice@example.com');
	const { status, iss, body } = await resultOf(person);
	expect([status, iss]).toEqual([200, issuer]);
	const tokens = body as Record<string, string>;
	expect(tokens.token_type).toBe('DPoP');
	const [access, identity] = [claimsOf(tokens.access_token), claimsOf(tokens.id_token)];
	expect([access.aud, identity.aud]).toEqual(['sigstore', 'web']);
	expect(access.cnf).toEqual({ jkt: expect.any(String) });
	expect(identity).toMatchObject({ email: 'alice@example.com', cnf: access.cnf });
	expect(await person.page.context().cookies()).toEqual([]);
	expect(person.complaints).toEqual([]);
	await person.leave();
});

it('a page of another origin cannot redeem its codes', async () => {
	const thief = await freePort();
	servers.push(await serveSigningPage({ port: thief, issuer, clientId: 'web', redirectUri }));
	const person = await PersonAtBrowser.sitDown(chromium, new URL(issuer).origin);
	await person.open(`http://localhost:${thief}/sign/callback?code=a-stolen-code&state=x`);
	expect(await resultOf(person)).toEqual({ blocked: 'TypeError' });
	await person.leave();
});
