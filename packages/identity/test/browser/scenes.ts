/** Every page that a person can come to, and how: what they do is what brings them there. */
import type { Page } from 'playwright-core';
import { authorizationUrl, type Discovery, newVerifier } from '../code-flow.ts';
import type { IdentityServer } from '../identity-server.ts';

export interface World {
	/** A development instance with the development login. */
	readonly development: IdentityServer;
	/** The same, whose login asks for the secret of the instance. */
	readonly secret: IdentityServer;
	/** An instance of a company, with its connectors and its colours. */
	readonly company: IdentityServer;
}

export interface Scene {
	readonly name: string;
	readonly heading: string;
	readonly open: (page: Page, world: World) => Promise<void>;
}

const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob';

/** The address with which a client begins a sign-in at `server`. */
export function beginAt(server: IdentityServer, extra: Record<string, string> = {}): string {
	const discovery = { authorization_endpoint: `${server.issuer}/auth` } as Discovery;
	return authorizationUrl(discovery, newVerifier().challenge, extra);
}

export async function beginDevice(server: IdentityServer) {
	const body = new URLSearchParams({ client_id: 'sigstore', scope: 'openid email' });
	const response = await fetch(`${server.issuer}/device/code`, { method: 'POST', body });
	return (await response.json()) as { user_code: string; verification_uri: string; verification_uri_complete: string };
}

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

async function confirm(page: Page, server: IdentityServer): Promise<void> {
	await page.goto((await beginDevice(server)).verification_uri_complete);
	await press(page, 'Continue');
}

async function signIn(page: Page): Promise<void> {
	await page.getByLabel('E-mail address').fill('alice@example.com');
	await press(page, 'Sign in');
}

/** What a browser refuses to send for us: an address that is none. */
async function sendWrong(page: Page): Promise<void> {
	const field = page.getByLabel('E-mail address');
	await field.evaluate((input) => input.setAttribute('type', 'text'));
	await field.fill('alice at example.com');
	await press(page, 'Sign in');
}

export const SCENES: readonly Scene[] = [
	{
		name: 'login-development',
		heading: 'Sign in',
		open: async (page, { development }) => void (await page.goto(beginAt(development))),
	},
	{
		name: 'login-refused',
		heading: 'Sign in',
		open: async (page, { development }) => {
			await page.goto(beginAt(development));
			await sendWrong(page);
		},
	},
	{
		name: 'login-secret',
		heading: 'Sign in',
		open: async (page, { secret }) => void (await page.goto(beginAt(secret))),
	},
	{
		name: 'login-company',
		heading: 'Sign in',
		open: async (page, { company }) => void (await page.goto(beginAt(company))),
	},
	{
		name: 'device-code',
		heading: 'Sign in on another device',
		open: async (page, { development }) => void (await page.goto(`${development.issuer}/device`)),
	},
	{
		name: 'device-code-refused',
		heading: 'Sign in on another device',
		open: async (page, { development }) => {
			await page.goto(`${development.issuer}/device`);
			await page.getByLabel('Code').fill('WXYZ-WXYZ');
			await press(page, 'Continue');
		},
	},
	{
		name: 'device-confirm',
		heading: 'Is this your program?',
		open: async (page, { company }) => confirm(page, company),
	},
	{
		name: 'device-stopped',
		heading: 'Stopped',
		open: async (page, { development }) => {
			await confirm(page, development);
			await press(page, 'No, stop');
		},
	},
	{
		name: 'device-signed-in',
		heading: 'You are signed in',
		open: async (page, { development }) => {
			await confirm(page, development);
			await press(page, 'Yes, continue');
			await signIn(page);
		},
	},
	{
		name: 'code',
		heading: 'Almost done',
		open: async (page, { development }) => {
			await page.goto(beginAt(development, { redirect_uri: OUT_OF_BAND }));
			await signIn(page);
		},
	},
	{
		name: 'cancelled',
		heading: 'There is no code to copy',
		open: async (page, { company }) => {
			await page.goto(beginAt(company, { redirect_uri: OUT_OF_BAND }));
			await press(page, 'Cancel');
		},
	},
	{
		name: 'expired',
		heading: 'This sign-in has expired',
		open: async (page, { development }) => void (await page.goto(`${development.issuer}/interaction/long-ago`)),
	},
	{
		name: 'wrong-host',
		heading: 'This is not the address of the identity provider',
		open: async (page, { development }) =>
			void (await page.goto(`${development.issuer.replace('127.0.0.1', 'localhost')}/interaction/any`)),
	},
	{
		name: 'unknown-way',
		heading: 'There is no such way to sign in',
		open: async (page, { company }) => {
			await page.goto(beginAt(company));
			await page.goto(`${page.url()}/upstream?connector_id=nobody`);
		},
	},
	{
		name: 'failure',
		heading: 'Something went wrong here',
		open: async (page, { company }) => {
			const { database } = company.test;
			await page.goto(beginAt(company));
			await database.query('alter table identity.artifacts rename to gone');
			await page.reload();
			await database.query('alter table identity.gone rename to artifacts');
		},
	},
	{
		name: 'request-refused',
		heading: 'This request cannot be served',
		open: async (page, { development }) =>
			void (await page.goto(beginAt(development, { redirect_uri: 'https://evil.example/\u202Emoc.elpmaxe' }))),
	},
	{
		name: 'not-found',
		heading: 'There is no such page',
		open: async (page, { company }) => void (await page.goto(`${company.publicUrl}/nothing`)),
	},
	{
		name: 'not-found-at-provider',
		heading: 'There is no such page',
		open: async (page, { development }) => void (await page.goto(`${development.issuer}/nothing`)),
	},
	{
		name: 'wrong-method',
		heading: 'This page cannot be opened like this',
		open: async (page, { development }) => void (await page.goto(`${development.publicUrl}/development/token`)),
	},
];
