/** What a person's browser is told when something is not there or not possible, and what a program is. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';

const SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';
/** As Chromium sends it. */
const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

let server: IdentityServer;
let folder: string;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-logo-'));
	writeFileSync(join(folder, 'logo.svg'), SVG);
	server = await startIdentityServer({ config: { branding: { logo: { file: join(folder, 'logo.svg') } } } });
});
afterAll(async () => {
	await server?.stop();
	await server?.test.drop();
	rmSync(folder, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}) => fetch(server.publicUrl + path, { headers });

describe('a refusal', () => {
	it.each([
		['an address of nothing', '/nothing', 404, 'There is no such page', 'not-found'],
		['an address of nothing at the provider', '/auth/nothing', 404, 'There is no such page', 'not-found'],
		[
			'an address for programs',
			'/development/token',
			405,
			'This page cannot be opened like this',
			'method-not-allowed',
		],
		['a sign-in that is gone', '/auth/interaction/x', 400, 'This sign-in has expired', 'login-expired'],
		['an address that is none', '/%zz', 400, 'The request is not valid HTTP', 'malformed-request'],
	])('of %s is a page for a browser', async (_what, path, status, title, code) => {
		const response = await get(path, BROWSER);
		expect(response.status).toBe(status);
		expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
		expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
		const body = await response.text();
		expect(body).toContain(`<h1>${title}</h1>`);
		expect(body).toContain(`<bdi>${code}</bdi>`);
		expect(body).toContain(`<bdi>${response.headers.get('x-request-id')}</bdi>`);
	});

	it('keeps what HTTP requires beside the page', async () => {
		expect((await get('/development/token', BROWSER)).headers.get('allow')).toContain('POST');
	});

	it('is no page for a program', async () => {
		for (const path of ['/nothing', '/development/token', '/auth/interaction/x']) {
			const response = await get(path, { accept: 'application/json' });
			expect(response.headers.get('content-type')).toBe('application/problem+json');
			expect(await response.json()).toMatchObject({ status: response.status });
		}
	});
});

describe('what pages load', () => {
	const addressesOf = async () =>
		[...(await (await get('/nothing', BROWSER)).text()).matchAll(/(?:src|href)="(\/auth\/assets\/[^"]+)"/g)].map(
			([, path = '']) => path,
		);

	it('is kept for good, under a name that changes with it', async () => {
		const addresses = await addressesOf();
		expect(new Set(addresses.map((path) => path.replace(/\.[0-9a-f]{16}\./, '.')))).toEqual(
			new Set(
				['plex-sans-400.woff2', 'plex-sans-600.woff2', 'plex-serif-500.woff2', 'logo.svg'].map(
					(n) => `/auth/assets/${n}`,
				),
			),
		);
		for (const path of addresses) {
			const response = await get(path);
			expect(response.status).toBe(200);
			expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
			expect(response.headers.get('x-content-type-options')).toBe('nosniff');
			expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin');
		}
	});

	it('runs no script of a logo that is opened on its own', async () => {
		const response = await get((await addressesOf()).find((path) => path.endsWith('.svg')) ?? '');
		expect(await response.text()).toBe(SVG);
		expect(response.headers.get('content-type')).toBe('image/svg+xml');
		const policy = response.headers.get('content-security-policy')?.split('; ');
		expect(policy).toEqual(expect.arrayContaining(["default-src 'none'", 'sandbox']));
		expect(policy?.join()).not.toMatch(/script|allow/);
	});

	it.each(['logo.svg', 'logo.0000000000000000.svg', '..%2f..%2fetc%2fpasswd', '__proto__', ''])(
		'is nothing else: not %j',
		async (name) => {
			expect((await get(`/auth/assets/${name}`)).status).toBe(404);
		},
	);
});
