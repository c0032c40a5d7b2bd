import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { captureLog } from '../../test/captured-log.ts';
import { createMetrics } from '../metrics.ts';
import type { Health } from '../service.ts';
import { type AdminToken, callerOf, createAdminListener, OPERATORS, READERS } from './admin.ts';

const OPERATOR = 'operator-token-0123456789';
const SERVICE = 'service-token-0123456789';
const digestOf = (token: string) => createHash('sha256').update(token).digest('hex');
const tokens: AdminToken[] = [
	{ name: 'ana', role: 'operator', sha256: digestOf(OPERATOR) },
	{ name: 'tuf', role: 'service', sha256: digestOf(SERVICE).toUpperCase() },
];

function adminWith(health: Health = { ready: true, checks: { database: { ok: true, detail: 'fine' } } }) {
	const captured = captureLog('info');
	const app = createAdminListener({ name: 'admin', logger: captured.logger, tokens, health: async () => health });
	app.post('/admin/v1/roots', { config: { roles: OPERATORS } }, async (request) => `by ${callerOf(request).name}`);
	app.get('/admin/v1/trust', { config: { roles: READERS } }, async (request) => `for ${callerOf(request).name}`);
	return { app, captured };
}

const as = (token: string) => ({ authorization: `Bearer ${token}` });

describe('an admin listener', () => {
	it.each<[string, Record<string, string>]>([
		['no token', {}],
		['an unknown token', as('operator-token-0123456788')],
		['an empty token', { authorization: 'Bearer ' }],
		['another scheme', { authorization: `Basic ${OPERATOR}` }],
		['the digest instead of the token', as(digestOf(OPERATOR))],
		['an endless token', as(OPERATOR.repeat(100))],
	])('refuses %s on every path, known or not', async (_, headers) => {
		const { app } = adminWith();
		for (const url of ['/metrics', '/admin/v1/trust', '/unknown', '/healthz/../metrics']) {
			const reply = await app.inject({ url, headers });
			expect([url, reply.statusCode]).toEqual([url, 401]);
			expect(reply.headers['content-type']).toBe('application/problem+json');
			expect(reply.headers['www-authenticate']).toContain('Bearer');
			expect(reply.body).not.toContain('operator-token');
		}
	});

	it('lets callers do what their role allows', async () => {
		const { app } = adminWith();
		const call = (method: 'GET' | 'POST', url: string, token: string) =>
			app.inject({ method, url, headers: as(token) });
		expect((await call('POST', '/admin/v1/roots', OPERATOR)).body).toBe('by ana');
		expect((await call('GET', '/admin/v1/trust', SERVICE)).body).toBe('for tuf');
		const refused = await call('POST', '/admin/v1/roots', SERVICE);
		expect(refused.statusCode).toBe(403);
		expect(refused.json()).toMatchObject({ reason: 'forbidden', detail: expect.stringContaining("'tuf'") });
		expect((await call('GET', '/unknown', OPERATOR)).statusCode).toBe(404);
	});

	it('takes no route that does not say whom it is for', () => {
		const { app } = adminWith();
		expect(() => app.get('/admin/v1/new', async () => 'x')).toThrow(/GET \/admin\/v1\/new does not say which roles/);
		expect(() => app.post('/admin/v1/new', { config: { roles: [] } }, async () => 'x')).toThrow(TypeError);
	});

	it('tells a supervisor without token that it lives, and nothing else', async () => {
		const { app } = adminWith();
		const reply = await app.inject('/healthz');
		expect([reply.statusCode, reply.json()]).toEqual([200, { status: 'SERVING' }]);
	});

	it.each([
		[true, 200],
		[false, 503],
	])('says whether it is ready: %s', async (ready, status) => {
		const health: Health = { ready, checks: { database: { ok: ready, detail: 'why' } } };
		const reply = await adminWith(health).app.inject({ url: '/readyz', headers: as(SERVICE) });
		expect([reply.statusCode, reply.json()]).toEqual([status, health]);
	});

	it.each([
		[true, 200],
		[false, 503],
	])('tells a probe without token that it is ready or not (%s), and no more', async (ready, status) => {
		const { app, captured } = adminWith({ ready, checks: { database: { ok: ready, detail: 'password=hunter2' } } });
		const reply = await app.inject('/readyz');
		expect([reply.statusCode, reply.body]).toEqual([status, JSON.stringify({ ready })]);
		expect(reply.headers['cache-control']).toBe('no-store');
		expect((await app.inject({ method: 'HEAD', url: '/readyz' })).statusCode).toBe(status);
		// Whoever asks every second for years is no news.
		expect(captured.events()).toEqual([]);
	});

	it('refuses a token that it does not know even where none is needed', async () => {
		const { app } = adminWith();
		for (const headers of [as('guessed'), { authorization: '' }, { authorization: `Basic ${OPERATOR}` }])
			expect((await app.inject({ url: '/readyz', headers })).statusCode).toBe(401);
	});

	it('looks at its service once for a flood of probes', async () => {
		let looks = 0;
		const look = async () => ({ ready: ++looks > 0, checks: {} });
		const app = createAdminListener({ name: 'admin', logger: captureLog('info').logger, tokens, health: look });
		const replies = await Promise.all(Array.from({ length: 200 }, () => app.inject('/readyz')));
		expect(replies.every(({ statusCode }) => statusCode === 200)).toBe(true);
		expect(looks).toBe(1);
	});

	it('is not ready while its process drains, however well it is', async () => {
		const { app } = adminWith();
		app.chassis.isDraining = true;
		const reply = await app.inject('/readyz');
		expect([reply.statusCode, reply.json()]).toEqual([503, { ready: false }]);
		const details = await app.inject({ url: '/readyz', headers: as(SERVICE) });
		expect([details.statusCode, details.json()]).toMatchObject([
			503,
			{ ready: false, checks: { drain: { ok: false } } },
		]);
		expect((await app.inject('/healthz')).statusCode).toBe(200);
	});

	it('shows the metrics of its service', async () => {
		const { app } = adminWith();
		expect((await app.inject({ url: '/metrics', headers: as(SERVICE) })).statusCode).toBe(503);
		app.chassis.metrics = createMetrics('svc');
		const reply = await app.inject({ url: '/metrics', headers: as(SERVICE) });
		expect(reply.statusCode).toBe(200);
		expect(reply.headers['content-type']).toContain('text/plain');
		expect(reply.body).toContain('process_cpu_seconds_total{service="svc"}');
	});

	it('leaves an audit line that names the caller and not the token', async () => {
		const { app, captured } = adminWith();
		await app.inject({ method: 'POST', url: '/admin/v1/roots', headers: as(OPERATOR) });
		await app.inject({ method: 'POST', url: '/admin/v1/roots', headers: as('guessed-token-1') });
		expect(captured.events().filter(({ audit }) => audit)).toMatchObject([
			{ caller: 'ana', role: 'operator', method: 'POST', route: '/admin/v1/roots', status: 200 },
			{ caller: null, role: null, method: 'POST', route: '/admin/v1/roots', status: 401 },
		]);
		expect(captured.lines.join('')).not.toMatch(/operator-token|guessed-token/);
	});

	it('is not made with a digest that is none', () => {
		const broken = [{ name: 'ana', role: 'operator' as const, sha256: OPERATOR }];
		const make = () =>
			createAdminListener({
				name: 'admin',
				logger: captureLog().logger,
				tokens: broken,
				health: async () => ({ ready: true, checks: {} }),
			});
		expect(make).toThrow(/'ana'/);
	});
});
