/**
 * Keycloak as the provider behind our identity service, with the realm of docs/operate/identity.md: people sign in with a
 * password, and the ways in which it fails are told apart. Keycloak is unmodified.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger } from '@chancery/chassis/logger';
import type { Service } from '@chancery/chassis/service';
import { identity } from '@chancery/identity/definition';
import { generateSigningJwks } from '@chancery/identity/generate-jwks';
import { migrateAll } from '@chancery/postgres/migrate';
import { freePort } from '@chancery/testkit/free-port';
import { findPeer } from '@chancery/testkit/peers/find-peer';
import { PROVIDERS } from '@chancery/testkit/peers/peer-table';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHECKOUT } from '../pages/default-instance.ts';
import { readPage } from '../pages/page.ts';
import { CookieJar, type Shown } from './cookie-jar.ts';
import { type RealmServer, startRealmServer } from './keycloak/realm-server.ts';

const PUBLISHED = 'https://id.sign.example.com';
const CONNECTOR = 'https://login.example.com/realms/signers';
const PERSON = { username: 'you', password: 'correct horse battery staple' };
const CLIENT_REDIRECT = 'http://localhost:50505/auth/callback';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const files = new Map(
	readPage(readFileSync(join(CHECKOUT, 'docs/operate/identity.md'), 'utf8')).blocks.map(({ path, code }) => [
		path,
		code,
	]),
);
const jsonOf = (name: string): string => {
	const text = files.get(`/etc/chancery/keycloak/${name}.json`);
	if (text === undefined) throw new Error(`the page has no file ${name}.json`);
	return text;
};

let keycloak: RealmServer;
let service: Service;
let database: TestDatabase;
let publicUrl: string;
const logged: string[] = [];

beforeAll(async () => {
	const peer = await findPeer('keycloak', PROVIDERS.keycloak);
	if ('notRun' in peer) throw new Error(peer.notRun);
	const port = await freePort();
	publicUrl = `http://127.0.0.1:${port}`;
	keycloak = await startRealmServer(peer.path, jsonOf('signers').replaceAll(PUBLISHED, publicUrl));
	database = await createTestDatabase();
	await migrateAll(database.database, identity.migrations ?? []);
	const people = {
		type: 'oidc',
		name: 'Example Inc.',
		issuer: keycloak.issuer,
		clientId: 'chancery',
		subjectFormat: 'uuid',
	};
	const env = { JWKS: JSON.stringify(await generateSigningJwks()), GOOD: 'change me', BAD: 'another' };
	service = await identity.open({
		config: identity.config(env).parse({
			publicUrl,
			signingJwks: { env: 'JWKS' },
			connectors: [
				{ ...people, id: CONNECTOR, clientSecret: { env: 'GOOD' } },
				{ ...people, id: 'wrong-secret', clientSecret: { env: 'BAD' } },
			],
		}),
		...{ profile: 'development', signers: {}, marks: {}, database: database.database, clock: Date.now, fetch },
		random: (n: number) => new Uint8Array(randomBytes(n)),
		logger: createLogger({
			...{ level: 'debug', json: true, name: 'identity' },
			destination: { write: (line: string) => void logged.push(line) },
		}),
	});
	await service.listeners.find(({ name }) => name === 'public')?.app.listen({ host: '127.0.0.1', port });
}, 600_000);

afterAll(async () => {
	for (const { app } of service?.listeners ?? []) await app.close();
	await service?.close();
	await database?.drop();
	await keycloak?.stop();
});

const isCallback = (target: URL) => target.href.startsWith(`${publicUrl}/auth/callback?`);
const isClient = (target: URL) => target.href.startsWith(CLIENT_REDIRECT);

/** Opens the login of a client, and fills in the page of Keycloak. */
async function signIn(
	connectorId = CONNECTOR,
	beforeReturn: () => Promise<void> = async () => undefined,
): Promise<{ shown: Shown; verifier: string }> {
	const verifier = randomBytes(32).toString('base64url');
	const url = new URL(`${publicUrl}/auth/auth`);
	url.search = new URLSearchParams({
		...{ response_type: 'code', client_id: 'sigstore', scope: 'openid email', state: 's' },
		...{ redirect_uri: CLIENT_REDIRECT, connector_id: connectorId, code_challenge_method: 'S256' },
		code_challenge: createHash('sha256').update(verifier).digest('base64url'),
	}).toString();
	const browser = new CookieJar();
	const page = await browser.open(url.href, isClient);
	const [, action] = /<form[^>]* action="([^"]+)"/.exec(page.body) ?? [];
	if (action === undefined || !page.url.href.startsWith(keycloak.issuer)) return { shown: page, verifier };
	const back = await browser.open(action.replaceAll('&amp;', '&'), isCallback, PERSON);
	if (!isCallback(back.url)) throw new Error(`Keycloak sends nobody back: ${back.status} ${back.body.slice(0, 2000)}`);
	await beforeReturn();
	return { shown: await browser.open(back.url.href, isClient), verifier };
}

async function claimsOf({ shown, verifier }: Awaited<ReturnType<typeof signIn>>): Promise<Record<string, unknown>> {
	expect(shown.body).toBe('');
	const code = shown.url.searchParams.get('code') ?? '';
	const form = { grant_type: 'authorization_code', code, redirect_uri: CLIENT_REDIRECT, client_id: 'sigstore' };
	const body = new URLSearchParams({ ...form, code_verifier: verifier });
	const answer = await fetch(`${publicUrl}/auth/token`, { method: 'POST', body });
	const { id_token = '' } = (await answer.json()) as { id_token?: string };
	return JSON.parse(Buffer.from(id_token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
}

const codeOf = ({ shown }: { shown: Shown }) => /Code: <code>([a-z-]+)</.exec(shown.body)?.[1];

it('signs a person in with a password', async () => {
	expect(await claimsOf(await signIn())).toMatchObject({
		email: 'you@example.com',
		email_verified: true,
		federated_claims: { connector_id: CONNECTOR, user_id: expect.stringMatching(UUID) },
	});
});

it('goes on signing in after Keycloak has a new key', async () => {
	const before = await claimsOf(await signIn());
	const key = { priority: ['1000'], algorithm: ['RS256'], keySize: ['2048'] };
	const type = 'org.keycloak.keys.KeyProvider';
	await keycloak.admin('POST', '/components', {
		name: 'new',
		providerId: 'rsa-generated',
		providerType: type,
		config: key,
	});
	expect((await claimsOf(await signIn())).sub).toBe(before.sub);
});

it('tells a wrong secret from an address that is not verified', async () => {
	expect(codeOf(await signIn('wrong-secret'))).toBe('upstream-misconfigured');
	expect(logged.join('')).toMatch(/"upstream":"(unauthorized|invalid)_client/);
	const [you] = (await keycloak.admin('GET', '/users?username=you&exact=true')) as [{ id: string }];
	await keycloak.admin('PUT', `/users/${you.id}`, { emailVerified: false });
	expect(codeOf(await signIn())).toBe('upstream-email-unverified');
	await keycloak.admin('PUT', `/users/${you.id}`, { emailVerified: true });
});

it('takes the directory and the SAML provider of the page', async () => {
	const { id } = (await keycloak.admin('GET', '')) as { id: string };
	await keycloak.admin('POST', '/components', { ...(JSON.parse(jsonOf('ldap')) as object), parentId: id });
	await keycloak.admin('POST', '/identity-provider/instances', JSON.parse(jsonOf('saml')));
	const components = (await keycloak.admin('GET', '/components?name=directory')) as { providerId: string }[];
	expect(components.map(({ providerId }) => providerId)).toEqual(['ldap']);
	expect(await keycloak.admin('GET', '/identity-provider/instances/saml')).toMatchObject({
		providerId: 'saml',
		enabled: true,
	});
});

it('says that Keycloak is down when it stops between the password and the code', async () => {
	expect(codeOf(await signIn(CONNECTOR, () => keycloak.stop()))).toBe('upstream-unavailable');
	const { ready, checks } = await service.health();
	expect([ready, checks[`connector ${CONNECTOR}`]?.ok]).toEqual([true, true]);
});
