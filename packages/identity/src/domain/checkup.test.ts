import { json, type OpenIdProvider, startOpenIdProvider } from '@chancery/testkit/openid-provider';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { configSchema } from '../config.ts';
import { checkup } from './checkup.ts';

const ENV = { JWKS: '{"auth":[]}', GOOD: 'the secret', BAD: 'another secret' };
let people: OpenIdProvider;

beforeAll(async () => {
	people = await startOpenIdProvider({ clients: { broker: ENV.GOOD } });
});
afterEach(() => people.behave({}));
afterAll(() => people.close());

async function examine(connectors: readonly object[], changes: { fetch?: undefined; isStopped?: () => boolean } = {}) {
	const config = configSchema(ENV).parse({ publicUrl: 'https://id.example', signingJwks: { env: 'JWKS' }, connectors });
	const unused = () => {
		throw new Error('not for this check');
	};
	const deps = { config, signers: unused, database: unused, mark: unused, clock: Date.now, fetch };
	const [check] = checkup({ ...deps, isStopped: () => false, configOption: '--config x', ...changes });
	return [await check?.run(new AbortController().signal)].flat();
}

const connector = (changes: object = {}) => ({
	...{ type: 'oidc', id: 'people', name: 'People', issuer: people.issuer, clientId: 'broker' },
	...{ clientSecret: { env: 'GOOD' }, ...changes },
});

describe('doctor', () => {
	it('says that a provider knows this client, and which redirect URI it must have', async () => {
		expect(await examine([connector()])).toEqual([
			{
				verdict: 'ok',
				found: `people: ${people.issuer} answers: discovery document and 1 keys; it knows this client and its secret; the redirect URI to register there is https://id.example/auth/callback`,
			},
		]);
	});

	it('finds each connector that nobody could sign in with', async () => {
		const found = await examine([
			connector({ clientSecret: { env: 'BAD' } }),
			connector({ id: 'unknown', clientId: 'nobody' }),
			connector({ id: 'misnamed', issuer: `${people.issuer}/x` }),
			connector({ id: 'down', issuer: 'http://127.0.0.1:9/people' }),
		]);
		expect(found.map((each) => [each?.verdict, each?.found.split(': ')[2]])).toEqual([
			['problem', 'upstream-misconfigured'],
			['problem', 'upstream-misconfigured'],
			['problem', 'upstream-misconfigured'],
			['problem', 'upstream-unavailable'],
		]);
		expect(found[0]?.found).toContain('invalid_client');
		expect(JSON.stringify(found)).not.toContain(ENV.BAD);
	});

	it('does not call a client wrong when the provider does not say so', async () => {
		people.behave({ answer: (path, usual) => (path === '/token' ? json(503, {}) : usual) });
		expect((await examine([connector()]))[0]).toMatchObject({
			verdict: 'ok',
			found: expect.stringContaining('it did not say whether it knows this client'),
		});
	});

	it('asks nobody when it may not, and not who is of the same file and does not run', async () => {
		const asked = people.requests.length;
		const offline = await examine([connector()], { fetch: undefined });
		const stopped = await examine([connector()], { isStopped: () => true });
		expect([...offline, ...stopped].map((each) => each?.verdict)).toEqual(['skipped', 'skipped']);
		expect(people.requests.length).toBe(asked);
		expect(await examine([])).toEqual([{ verdict: 'ok', found: 'no connectors are configured' }]);
	});
});
