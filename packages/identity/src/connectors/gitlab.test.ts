import { type OpenIdProvider, startOpenIdProvider } from '@chancery/testkit/openid-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_SECRET, connectorOf, signInThrough } from '../../test/connector-under-test.ts';

const HOST = 'https://gitlab.acme.example';
let gitlab: OpenIdProvider;

beforeAll(async () => {
	gitlab = await startOpenIdProvider({ issuer: HOST, clients: { broker: CLIENT_SECRET } });
});
afterAll(() => gitlab.close());

const signIn = (settings: Record<string, unknown>, claims: Record<string, unknown> = {}) => {
	gitlab.behave({ claims: (usual) => ({ ...usual, sub: '1017', ...claims }) });
	return signInThrough(gitlab, connectorOf(gitlab, { type: 'gitlab', host: `${HOST}/`, ...settings }, [HOST]));
};

describe('somebody at GitLab', () => {
	it('is the number of the account and its verified address', async () => {
		expect((await signIn({})).person).toEqual({ userId: '1017', email: 'alice@example.com', emailVerified: true });
		expect(await signIn({}, { email_verified: false })).toMatchObject({ code: 'upstream-email-unverified' });
		expect(await signIn({}, { sub: 'alice' })).toMatchObject({ code: 'upstream-subject-changed' });
	});

	it('is a direct member of one of the groups', async () => {
		const groups = ['acme/release', 'acme/teams/*'];
		expect((await signIn({ groups }, { groups_direct: ['other', 'acme/teams/web'] })).person).toBeDefined();
		for (const groups_direct of [['acme'], ['acme/teams/web/old'], ['acme/release-candidates'], [], 'x', undefined])
			expect(await signIn({ groups }, { groups_direct })).toMatchObject({ code: 'upstream-not-allowed' });
	});
});

it('needs an exception in production for everybody at gitlab.com', () => {
	const exceptions = (settings: object) => connectorOf(gitlab, { type: 'gitlab', ...settings }).exceptions;
	expect(exceptions({})).toEqual(['global-issuers']);
	expect(exceptions({ groups: ['acme'] })).toEqual([]);
	expect(exceptions({ host: HOST })).toEqual([]);
	expect(exceptions({ host: 'http://gitlab.acme.example' })).toEqual(['plain-issuers']);
});
