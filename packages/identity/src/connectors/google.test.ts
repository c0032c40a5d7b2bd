import { type OpenIdProvider, startOpenIdProvider } from '@chancery/testkit/openid-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_SECRET, connectorOf, signInThrough } from '../../test/connector-under-test.ts';

const ISSUER = 'https://accounts.google.com';
let google: OpenIdProvider;

beforeAll(async () => {
	google = await startOpenIdProvider({ issuer: ISSUER, clients: { broker: CLIENT_SECRET } });
});
afterAll(() => google.close());

const signIn = (settings: Record<string, unknown>, claims: Record<string, unknown> = {}) => {
	google.behave({ claims: (usual) => ({ ...usual, sub: '110169484474386276334', ...claims }) });
	return signInThrough(google, connectorOf(google, { type: 'google', ...settings }, [ISSUER]));
};

describe('somebody at Google', () => {
	it('is the number of the account and its verified address', async () => {
		const { person, url } = await signIn({});
		expect(person).toEqual({ userId: '110169484474386276334', email: 'alice@example.com', emailVerified: true });
		expect(url.searchParams.get('prompt')).toBe('select_account');
		expect(url.searchParams.has('hd')).toBe(false);
		expect(await signIn({}, { email_verified: false })).toMatchObject({ code: 'upstream-email-unverified' });
		expect(await signIn({}, { sub: 'alice@example.com' })).toMatchObject({ code: 'upstream-subject-changed' });
	});

	it('is of one of the hosted domains by the claim, whatever the address looks like', async () => {
		const hostedDomains = ['acme.example', 'globex.example'];
		expect((await signIn({ hostedDomains }, { hd: 'globex.example' })).person).toBeDefined();
		for (const claims of [
			{ email: 'alice@acme.example' },
			{ email: 'alice@acme.example', hd: 'initech.example' },
			{ hd: ['acme.example'] },
			{ hd: 'ACME.example' },
		])
			expect(await signIn({ hostedDomains }, claims)).toMatchObject({ code: 'upstream-not-allowed' });
	});

	it('is shown the one domain, which they may change at Google', async () => {
		const { url, code } = await signIn({ hostedDomains: ['acme.example'] }, { hd: 'other.example' });
		expect([url.searchParams.get('hd'), code]).toEqual(['acme.example', 'upstream-not-allowed']);
	});
});

it('needs an exception in production for everybody with an account', () => {
	const exceptions = (settings: object) => connectorOf(google, { type: 'google', ...settings }).exceptions;
	expect(exceptions({})).toEqual(['global-issuers']);
	expect(exceptions({ hostedDomains: ['acme.example'] })).toEqual([]);
	expect(exceptions({ rules: [{ claim: 'email', anyOf: ['*@acme.example'] }] })).toEqual([]);
});
