import { json } from '@chancery/testkit/openid-provider';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_SECRET, connectorOf, signInThrough } from '../../test/connector-under-test.ts';
import { type GitHubServer, startGitHubServer } from '../../test/github-server.ts';

const address = (email: string, primary: boolean, verified: boolean) => ({ email, primary, verified });
const MANY = Array.from({ length: 99 }, (_, i) => address(`other-${i}@example.com`, false, true));
const ACCOUNTS = {
	alice: {
		id: 583231,
		emails: [address('old@example.com', false, true), address('alice@example.com', true, true)],
		organizations: { acme: 'active', globex: 'pending' },
	},
	unverified: { id: 2, emails: [address('root@example.com', true, false), address('mine@example.com', false, true)] },
	secondary: { id: 3, emails: [address('only@example.com', false, true)] },
	many: { id: 4, emails: [...MANY, address('x@example.com', false, true), address('many@example.com', true, true)] },
	nobody: { id: 5, emails: [] },
} as const;

let github: GitHubServer;
beforeAll(async () => {
	github = await startGitHubServer({ id: 'broker', secret: CLIENT_SECRET }, ACCOUNTS);
});
afterEach(() => github.behave({}));
afterAll(() => github.close());

const signIn = (user: string, settings: Record<string, unknown> = {}) =>
	signInThrough(github, connectorOf(github, { type: 'github', host: github.origin, ...settings }), {
		atProvider: { user },
	});

describe('somebody at GitHub', () => {
	it('is the number of the account and its primary address', async () => {
		const { person, url } = await signIn('alice');
		expect(person).toEqual({ userId: '583231', email: 'alice@example.com', emailVerified: true });
		expect(Object.fromEntries(url.searchParams)).toMatchObject({
			scope: 'user:email',
			code_challenge_method: 'S256',
			code_challenge: expect.stringMatching(/^.{43}$/),
		});
	});

	it.each([
		['unverified', 'upstream-email-unverified'],
		['secondary', 'upstream-no-email'],
		['nobody', 'upstream-no-email'],
	])('%s is refused: another address of the account does not stand in for the primary one', async (user, code) => {
		expect(await signIn(user)).toMatchObject({ code });
	});

	it('may have many addresses, on several pages', async () => {
		expect((await signIn('many')).person?.email).toBe('many@example.com');
	});

	it('signs in as a member of one of the organizations, no longer invited only', async () => {
		const { person, url } = await signIn('alice', { organizations: ['initech', 'acme'] });
		expect(person?.userId).toBe('583231');
		expect(url.searchParams.get('scope')).toBe('user:email read:org');
		expect(await signIn('alice', { organizations: ['globex', 'initech'] })).toMatchObject({
			code: 'upstream-not-allowed',
		});
		expect(await signIn('many', { organizations: ['acme'] })).toMatchObject({ code: 'upstream-not-allowed' });
	});

	it('may cancel', async () => {
		const connector = connectorOf(github, { type: 'github', host: github.origin });
		expect(await signInThrough(github, connector, { atProvider: { cancel: '1' } })).toMatchObject({
			code: 'upstream-refused',
		});
	});
});

describe('an answer of GitHub', () => {
	it.each([
		['/user', json(200, { id: 'octocat' }), 'upstream-subject-changed'],
		['/user', json(200, { id: -1 }), 'upstream-invalid'],
		['/user', json(200, []), 'upstream-invalid'],
		['/user', json(200, null), 'upstream-invalid'],
		['/user', json(401, { message: 'Bad credentials' }), 'upstream-invalid'],
		['/user', json(403, { message: 'API rate limit exceeded' }), 'upstream-unavailable'],
		['/user', json(502, {}), 'upstream-unavailable'],
		['/user', { status: 200, headers: {}, body: '{"id":1' }, 'upstream-invalid'],
		['/user/emails', json(200, {}), 'upstream-invalid'],
		['/user/emails', json(200, [{ email: 'a@example.com' }]), 'upstream-invalid'],
		['/user/emails', json(404, { message: 'Not Found' }), 'upstream-invalid'],
		['/login/oauth/access_token', json(200, { error: 'bad_verification_code' }), 'upstream-code-refused'],
		['/login/oauth/access_token', json(200, { error: 'incorrect_client_credentials' }), 'upstream-misconfigured'],
		['/login/oauth/access_token', json(200, { error: 'redirect_uri_mismatch' }), 'upstream-misconfigured'],
		['/login/oauth/access_token', json(200, { error: 'unverified_user_email' }), 'upstream-refused'],
		['/login/oauth/access_token', json(200, { access_token: 7 }), 'upstream-invalid'],
	])('at %s that is not as usual is told apart (%#)', async (path, answer, code) => {
		github.behave({ [path]: answer });
		expect(await signIn('alice')).toMatchObject({ code, words: expect.stringMatching(/./) });
	});

	it('tells doctor whether the secret is right', async () => {
		const { connector } = connectorOf(github, { type: 'github', host: github.origin });
		expect(await connector.probe('https://id.example/auth/callback')).toContain('knows this client');
		const wrong = connectorOf(github, { type: 'github', host: github.origin, clientId: 'another' });
		await expect(wrong.connector.probe('https://id.example/auth/callback')).rejects.toMatchObject({
			code: 'upstream-misconfigured',
		});
	});
});

describe('the connector', () => {
	it('asks the public GitHub and GHE.com at the hosts of their APIs', async () => {
		for (const [host, api] of [
			['https://github.com', 'https://api.github.com'],
			['https://acme.ghe.com', 'https://api.acme.ghe.com'],
		]) {
			const connector = connectorOf(github, { type: 'github', host }, [host!, api!]);
			expect((await signInThrough(github, connector, { atProvider: { user: 'alice' } })).person?.userId).toBe('583231');
		}
	});

	it('needs an exception in production for everybody at github.com', () => {
		const exceptions = (settings: object) => connectorOf(github, { type: 'github', ...settings }).exceptions;
		expect(exceptions({})).toEqual(['global-issuers']);
		expect(exceptions({ organizations: ['acme'] })).toEqual([]);
		expect(exceptions({ host: 'https://github.acme.example' })).toEqual([]);
		expect(exceptions({ host: 'http://github.acme.example' })).toEqual(['plain-issuers']);
	});
});
