import { createHash } from 'node:crypto';
import { openTrustReport } from '@chancery/chassis/trust-report';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';
import { IdentitySetupError } from './service.ts';

const TOKEN = 'a token of the operator';
let server: IdentityServer;

beforeAll(async () => {
	const sha256 = createHash('sha256').update(TOKEN.replaceAll(' ', '-')).digest('hex');
	server = await startIdentityServer({ config: { admin: { tokens: [{ name: 'op', role: 'operator', sha256 }] } } });
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

const admin = (url: string) => {
	const app = server.service.listeners.find(({ name }) => name === 'admin')?.app;
	if (!app) throw new Error('no admin listener');
	return app.inject({ url, headers: { authorization: `Bearer ${TOKEN.replaceAll(' ', '-')}` } });
};

describe('the service', () => {
	it('has a public and an admin listener and its jobs', () => {
		expect(server.service.name).toBe('identity');
		expect(server.service.listeners.map(({ name }) => name)).toEqual(['public', 'admin']);
		expect(server.service.jobs.map(({ name }) => name)).toEqual([
			'clean-expired',
			'renew-connectors',
			'renew issuer keys',
			'renew-keys',
		]);
	});

	it('reports its issuer, signed with a key that the issuer publishes', async () => {
		const report = (await admin('/admin/v1/trust')).json();
		const opened = await openTrustReport(report);
		expect(opened.material).toEqual({ kind: 'identity', issuer: server.issuer });
		const { keys } = (await (await fetch(`${server.issuer}/keys`)).json()) as {
			keys: { alg: string; x: string; y: string }[];
		};
		const { x = '', y = '' } = keys.find(({ alg }) => alg === 'ES256') ?? {};
		// The last 64 bytes of the SPKI of a P-256 key are its two coordinates.
		const coordinates = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
		expect(Buffer.from(opened.publicKey).subarray(-64).equals(coordinates)).toBe(true);
	});

	it('is ready while its database is', async () => {
		expect((await admin('/readyz')).statusCode).toBe(200);
		const broken = await startIdentityServer();
		await broken.test.database.query('drop table identity.artifacts');
		const health = await broken.service.health();
		expect(health.ready).toBe(false);
		expect(health.checks.database?.ok).toBe(false);
		await broken.stop();
		await broken.test.drop();
	});

	it('says nothing of a broken database to strangers', async () => {
		const broken = await startIdentityServer();
		await broken.test.database.query('drop table identity.artifacts');
		const url = `${broken.issuer}/auth?client_id=sigstore&response_type=code&scope=openid&redirect_uri=http%3A%2F%2Flocalhost%3A1&code_challenge=${'a'.repeat(43)}&code_challenge_method=S256`;
		const response = await fetch(url, { redirect: 'manual' });
		const told = `${response.headers.get('location')} ${await response.text()}`;
		expect(told).toContain('server_error');
		expect(told).not.toMatch(/relation|artifacts|postgres/i);
		expect(broken.logged.join('')).toContain('identity.artifacts');
		await broken.stop();
		await broken.test.drop();
	});

	it('asks clients to come back while its database is read-only', async () => {
		const { publicUrl, test, stop, logged } = await startIdentityServer();
		await test.database.query(`do $$ begin
			execute format('alter database %I set default_transaction_read_only = on', current_database());
			perform pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and pid <> pg_backend_pid();
		end $$`);
		const ask = async () =>
			fetch(`${publicUrl}/auth/device/code`, {
				method: 'POST',
				headers: { 'content-type': 'application/x-www-form-urlencoded' },
				body: 'client_id=sigstore&scope=openid%20email',
			});
		// The connection of the first query can still write: every other one is new.
		const replies = await Promise.all(Array.from({ length: 5 }, ask));
		const late = replies.filter(({ status }) => status !== 200);
		expect(late.length).toBeGreaterThan(0);
		for (const { status, headers } of late) expect([status, headers.get('retry-after')]).toEqual([503, '1']);
		expect(logged.join('')).toContain('25006');
		await stop();
		await test.drop();
	});

	it('marks its answers with a request id', async () => {
		const id = crypto.randomUUID();
		for (const path of ['/auth/keys', '/auth/.well-known/openid-configuration', '/nothing']) {
			const response = await fetch(server.publicUrl + path, { headers: { 'x-request-id': id } });
			expect(response.headers.get('x-request-id')).toBe(id);
		}
	});

	it('sends its cookies over https only when it is reached by https', async () => {
		const path = `/auth/auth?client_id=sigstore&response_type=code&scope=openid&redirect_uri=http%3A%2F%2Flocalhost%3A1&code_challenge=${'a'.repeat(43)}&code_challenge_method=S256`;
		const behindTls = await startIdentityServer({ config: { publicUrl: 'https://id.example.com' } });
		try {
			const app = behindTls.service.listeners[0]?.app;
			const answer = await app?.inject({ url: path, headers: { host: 'id.example.com' } });
			const cookies = [answer?.headers['set-cookie']].flat().map(String);
			expect(cookies.length).toBeGreaterThan(0);
			for (const cookie of cookies) expect(cookie).toMatch(/; secure/i);
			const discovery = (
				await app?.inject({ url: '/auth/.well-known/openid-configuration', headers: { host: 'whatever.internal' } })
			)?.json();
			expect(discovery.token_endpoint).toBe('https://id.example.com/auth/token');
		} finally {
			await behindTls.stop();
			await behindTls.test.drop();
		}
	});

	it.each([['a development secret that can be guessed', { developmentSecret: 'short' }]])(
		'refuses %s',
		async (_what, options) => {
			await expect(startIdentityServer(options)).rejects.toBeInstanceOf(IdentitySetupError);
		},
	);
});
