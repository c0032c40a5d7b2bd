import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../test/browser.ts';
import { authorizationUrl, discover, newVerifier, signIn } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer, TEST_SECRET } from '../test/identity-server.ts';
import { cleanExpired } from './jobs/clean-expired.ts';

const OPERATOR = 'the-token-of-an-operator-of-the-tests';
const SERVICE = 'the-token-of-a-service-of-the-tests';
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
let server: IdentityServer;

beforeAll(async () => {
	server = await startIdentityServer({
		config: {
			admin: {
				tokens: [
					{ name: 'someone', role: 'operator', sha256: sha256(OPERATOR) },
					{ name: 'something', role: 'service', sha256: sha256(SERVICE) },
				],
			},
		},
	});
});
afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

interface Events {
	events: Record<string, string | null>[];
	next: string | null;
}

async function list(query: string, token = OPERATOR): Promise<{ status: number; body: Events }> {
	const admin = server.service.listeners.find(({ name }) => name === 'admin')?.app;
	const headers = { authorization: `Bearer ${token}` };
	const answer = await admin?.inject({ url: `/admin/v1/events${query}`, headers });
	return { status: answer?.statusCode ?? 0, body: answer?.json() as Events };
}

async function logIn(email: string): Promise<number> {
	const discovery = await discover(server.issuer);
	return (await signIn(new Browser(server.publicUrl), authorizationUrl(discovery, newVerifier().challenge), email))
		.status;
}

describe('the record of sign-ins', () => {
	it('has every sign-in and development token, newest first, page by page', async () => {
		for (const name of ['a', 'b', 'c']) await logIn(`${name}@example.com`);
		await fetch(`${server.publicUrl}/development/token`, {
			method: 'POST',
			body: JSON.stringify({ email: 'd@example.com' }),
			headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_SECRET}` },
		});
		const first = await list('?limit=3');
		expect(first.body.events.map(({ kind, outcome, email }) => [kind, outcome, email])).toEqual([
			['development-token', 'accepted', 'd@example.com'],
			['login', 'accepted', 'c@example.com'],
			['login', 'accepted', 'b@example.com'],
		]);
		expect(first.body.events[1]).toMatchObject({
			clientId: 'sigstore',
			connectorId: server.issuer,
			clientAddress: '127.0.0.1',
		});
		const second = await list(`?limit=3&cursor=${first.body.next}`);
		expect(second.body).toMatchObject({ events: [{ email: 'a@example.com' }], next: null });
		expect((await list('?email=b@example.com')).body.events).toHaveLength(1);
		expect((await list('?cursor=nonsense')).body).toEqual({ events: [], next: null });
	});

	it('is for operators', async () => {
		expect((await list('', SERVICE)).status).toBe(403);
		expect((await list('', 'wrong')).status).toBe(401);
	});

	it('has a line and no row for the refusal of a stranger', async () => {
		const before = (await list('')).body.events.length;
		expect(await logIn('no address')).toBe(400);
		expect((await list('')).body.events).toHaveLength(before);
		expect(server.logged.map((line) => JSON.parse(line) as object)).toContainEqual(
			expect.objectContaining({ audit: true, kind: 'login', outcome: 'refused', reason: 'login-refused' }),
		);
	});

	it('forgets after the configured time', async () => {
		const inDays = (days: number) => () => Date.now() + days * 86_400_000;
		await cleanExpired({ database: server.test.database, clock: inDays(89) });
		expect((await list('')).body.events.length).toBeGreaterThan(0);
		await cleanExpired({ database: server.test.database, clock: inDays(91) });
		expect((await list('')).body.events).toEqual([]);
	});
});
