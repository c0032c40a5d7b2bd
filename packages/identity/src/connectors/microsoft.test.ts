import { json, type OpenIdProvider, startOpenIdProvider } from '@chancery/testkit/openid-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_SECRET, connectorOf, signInThrough } from '../../test/connector-under-test.ts';

const HOST = 'https://login.microsoftonline.com';
const ACME = '8eaef023-2b34-4da1-9baa-8bc8c9d6a490';
const EVIL = 'b9419818-09af-49c2-b0c3-653adc1f376e';
const OID = '690222be-ff1a-4d56-abd1-7e4f7d38e474';
let many: OpenIdProvider;
let one: OpenIdProvider;

beforeAll(async () => {
	const clients = { broker: CLIENT_SECRET };
	many = await startOpenIdProvider({ issuer: `${HOST}/organizations/v2.0`, clients });
	one = await startOpenIdProvider({ issuer: `${HOST}/${ACME}/v2.0`, clients });
});
afterAll(async () => {
	await many.close();
	await one.close();
});

/** As the endpoint of many tenants describes itself: without a tenant of its own. */
const template = (path: string, usual: ReturnType<typeof json>) =>
	path === '/.well-known/openid-configuration'
		? json(200, {
				...(JSON.parse(usual.body) as object),
				issuer: `${HOST}/{tenantid}/v2.0`,
				authorization_response_iss_parameter_supported: undefined,
			})
		: usual;

const usualClaims = (tid: unknown) => ({ iss: `${HOST}/${tid}/v2.0`, tid, oid: OID, sub: 'pairwise', xms_edov: true });

function signIn(settings: Record<string, unknown>, claims: Record<string, unknown> = {}) {
	const isOne = settings.tenant === ACME;
	const provider = isOne ? one : many;
	provider.behave({
		claims: (usual) => ({ ...usual, ...usualClaims(claims.tid ?? ACME), ...claims }),
		...(isOne ? {} : { answer: template }),
	});
	const connector = connectorOf(provider, { type: 'microsoft', tenant: 'organizations', ...settings }, [HOST]);
	return signInThrough(provider, connector, { back: (url) => isOne || url.searchParams.delete('iss') });
}

describe('somebody at Microsoft', () => {
	it.each(['organizations', ACME])('of %s is the object in the tenant, not the subject', async (tenant) => {
		const { person, url } = await signIn({ tenant });
		expect(person).toEqual({ userId: `${OID}.${ACME}`, email: 'alice@example.com', emailVerified: true });
		expect(url.searchParams.get('scope')).toBe('openid email profile');
	});

	it('is another in another tenant, with the same address', async () => {
		const { person } = await signIn({}, { tid: EVIL });
		expect(person?.userId).toBe(`${OID}.${EVIL}`);
	});

	it.each([
		['the issuer is that of another tenant', { tid: EVIL, iss: `${HOST}/${ACME}/v2.0` }, 'upstream-token-invalid'],
		['the issuer is at another host', { iss: `https://evil.example/${ACME}/v2.0` }, 'upstream-token-invalid'],
		['there is no tenant', { tid: null, iss: `${HOST}/null/v2.0` }, 'upstream-token-invalid'],
		['the tenant is a path', { tid: `x/../${ACME}`, iss: `${HOST}/x/../${ACME}/v2.0` }, 'upstream-token-invalid'],
		['there is no object', { oid: undefined }, 'upstream-subject-invalid'],
		['the object is no GUID', { oid: 'alice@acme.example' }, 'upstream-subject-changed'],
		['there is no address', { email: undefined, preferred_username: 'alice@acme.example' }, 'upstream-no-email'],
		['nobody says whose domain it is', { xms_edov: undefined }, 'upstream-email-unverified'],
		['the domain is not of the tenant', { xms_edov: false }, 'upstream-email-unverified'],
		['only another claim says that it is verified', { xms_edov: 0, email_verified: true }, 'upstream-email-unverified'],
	])('is refused when %s', async (_what, claims, code) => {
		expect(await signIn({}, claims)).toMatchObject({ code });
	});

	it.each([true, 1, '1', 'true'])('has an address in a domain of the tenant when xms_edov is %o', async (xms_edov) => {
		expect((await signIn({}, { xms_edov })).person).toBeDefined();
	});

	it('is of one of the tenants', async () => {
		expect((await signIn({ tenants: [ACME] })).person).toBeDefined();
		expect(await signIn({ tenants: [ACME] }, { tid: EVIL })).toMatchObject({ code: 'upstream-not-allowed' });
	});

	it('of one tenant may have whatever its directory says', async () => {
		const settings = { tenant: ACME, emailVerified: 'tenant' };
		expect((await signIn(settings, { xms_edov: undefined })).person).toBeDefined();
		expect(await signIn(settings, { tid: EVIL })).toMatchObject({ code: 'upstream-token-invalid' });
	});
});

describe('the settings', () => {
	const parsed = (settings: object) => connectorOf(one, { type: 'microsoft', ...settings });

	it.each(['common', 'organizations', 'consumers'])('never believe every address of %s', (tenant) => {
		expect(() => parsed({ tenant, emailVerified: 'tenant' })).toThrow('needs one tenant');
	});

	it('want the id of a tenant in national clouds', () => {
		const host = 'https://login.microsoftonline.us';
		expect(() => parsed({ tenant: 'organizations', host })).toThrow('GUID');
		expect(parsed({ tenant: ACME, host }).connector.address).toBe(`${host}/${ACME}/v2.0`);
	});

	it('need an exception in production for all tenants, and for addresses that nobody proved', () => {
		expect(parsed({ tenant: 'common' }).exceptions).toEqual(['global-issuers']);
		expect(parsed({ tenant: 'common', tenants: [ACME] }).exceptions).toEqual([]);
		expect(parsed({ tenant: ACME }).exceptions).toEqual([]);
		expect(parsed({ tenant: ACME, emailVerified: 'tenant' }).exceptions).toEqual(['unverified-email']);
	});
});
