import { join } from 'node:path';
import { freePort } from '@chancery/testkit/free-port';
import { makeOpenIdIssuer, type OpenIdIssuer, serveOpenIdIssuer } from '@chancery/testkit/openid-issuer';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { generateSigningKey, type SigningKey } from '@chancery/testkit/token-issuer';
import { exportJWK, generateSecret, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkKeySource, issuerKeySource } from './issuer-key-source.ts';
import { createTokenVerifier, type TrustedIssuer } from './token-verifier.ts';

const settings = z
	.strictObject({ issuer: z.string(), audience: z.string().default('sigstore'), ...issuerKeySource })
	.superRefine(checkKeySource);

const EMAIL = 'ada@example.com';
/** OpenSSL makes what stands in the files: two authorities, and the certificate of the issuer by the first. */
const files = new OpensslFolder();
const path = (name: string) => join(files.path, name);
let people: OpenIdIssuer;
let server: { close(): Promise<void> };

function makeAuthority(name: string): void {
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`];
	files.run('req', '-x509', ...key, '-subj', `/CN=${name}`, '-days', '2', '-out', `${name}.pem`);
}

beforeAll(async () => {
	for (const name of ['company', 'stranger']) makeAuthority(name);
	files.write('server.ext', 'subjectAltName=DNS:localhost');
	files.run('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'server.key', '-subj', '/CN=x', '-out', 'csr');
	const by = ['-CA', 'company.pem', '-CAkey', 'company.key', '-CAcreateserial', '-extfile', 'server.ext'];
	files.run('x509', '-req', '-in', 'csr', ...by, '-days', '1', '-out', 'server.pem');
	people = makeOpenIdIssuer(`https://localhost:${await freePort()}/dex`);
	const tls = { key: Buffer.from(files.read('server.key')), cert: Buffer.from(files.read('server.pem')) };
	server = await serveOpenIdIssuer(people, tls);
}, 30_000);
afterAll(async () => {
	await server.close();
	files.remove();
});

function codeOf(issuer: unknown, token: string, fetcher: typeof fetch = fetch): Promise<string> {
	const tokens = createTokenVerifier([settings.parse(issuer) as TrustedIssuer], {
		fetch: fetcher,
		clock: () => Date.now(),
	});
	return tokens.verify(token, '192.0.2.1').then(
		({ claims }) => `accepted ${String(claims.email)}`,
		(error: { code?: string }) => error.code ?? String(error),
	);
}

describe('an issuer behind a private authority', () => {
	it('is believed when caFile names the authority, and by its settings alone', async () => {
		const { issuer } = people;
		const token = people.token(EMAIL);
		expect(await codeOf({ issuer, caFile: path('company.pem') }, token)).toBe(`accepted ${EMAIL}`);
		// Nothing of this was added to what the process believes.
		expect(await codeOf({ issuer }, token)).toBe('issuer-unavailable');
	});

	it('is not believed when caFile names another one', async () => {
		const { issuer } = people;
		expect(await codeOf({ issuer, caFile: path('stranger.pem') }, people.token(EMAIL))).toBe('issuer-unavailable');
	});

	it.each([
		{ name: 'none', content: undefined, says: 'cannot be read (ENOENT)' },
		{ name: 'no certificate', content: 'text', says: 'holds no PEM certificate' },
		{
			name: 'half a certificate',
			content: '-----BEGIN CERTIFICATE-----\nMIIB\n',
			says: 'holds a certificate that is cut off or damaged',
		},
	])('is refused in the configuration when the file is $name', ({ content, says }) => {
		if (content !== undefined) files.write('bad.pem', content);
		const parsed = settings.safeParse({
			issuer: 'https://a.example',
			caFile: path(content ? 'bad.pem' : 'missing.pem'),
		});
		expect(parsed.error?.issues[0]).toMatchObject({ path: ['caFile'], message: expect.stringContaining(says) });
	});
});

describe('keys in the configuration', () => {
	const issuer = 'https://kubernetes.default.svc';
	const noNetwork: typeof fetch = () => Promise.reject(new Error('something was fetched'));
	let key: SigningKey;
	beforeAll(async () => {
		key = await generateSigningKey('ES256', 'cluster');
	});

	const sign = (by: SigningKey, header: object = {}) =>
		new SignJWT({ iss: issuer, sub: 's', aud: 'sigstore', email: EMAIL, exp: Math.floor(Date.now() / 1000) + 60 })
			.setProtectedHeader({ alg: by.alg, kid: by.kid, ...header })
			.sign(by.privateKey);

	it('verify tokens with no network at all, in the settings as in a file', async () => {
		files.write('keys.json', JSON.stringify({ keys: [key.jwk] }));
		const token = await sign(key);
		expect(await codeOf({ issuer, jwks: { keys: [key.jwk] } }, token, noNetwork)).toBe(`accepted ${EMAIL}`);
		expect(await codeOf({ issuer, jwksFile: path('keys.json') }, token, noNetwork)).toBe(`accepted ${EMAIL}`);
	});

	it('are all there are: a key of another name is none of the issuer', async () => {
		const other = await generateSigningKey('ES256', 'other');
		expect(await codeOf({ issuer, jwks: { keys: [key.jwk] } }, await sign(other), noNetwork)).toBe('token-signature');
		const namesake = { ...other, kid: key.kid };
		expect(await codeOf({ issuer, jwks: { keys: [key.jwk] } }, await sign(namesake), noNetwork)).toBe(
			'token-signature',
		);
	});

	it('verify by the algorithm that is theirs, and by no secret', async () => {
		const set = { issuer, jwks: { keys: [key.jwk] } };
		const secret = await generateSecret('HS256');
		const mac = await new SignJWT({ iss: issuer }).setProtectedHeader({ alg: 'HS256', kid: key.kid }).sign(secret);
		expect(await codeOf(set, mac, noNetwork)).toBe('token-algorithm');
		const rsa = await generateSigningKey('RS256', key.kid);
		expect(await codeOf(set, await sign(rsa), noNetwork)).toBe('token-signature');
	});

	it('may be the trust bundle of a SPIFFE domain, of which the keys for tokens are used', async () => {
		const ofCertificates = { ...(await generateSigningKey('ES256', 'x509')).jwk, use: 'x509-svid', x5c: ['MIIB'] };
		const { alg: _alg, ...bare } = key.jwk;
		const bundle = { spiffe_sequence: 7, keys: [ofCertificates, { ...bare, use: 'jwt-svid' }] };
		expect(await codeOf({ issuer, jwks: bundle }, await sign(key), noNetwork)).toBe(`accepted ${EMAIL}`);
		expect(await codeOf({ issuer, jwks: bundle }, await sign(key, { kid: 'x509' }), noNetwork)).toBe('token-signature');
	});

	it('keep nothing of a key but what is public', () => {
		const jwks = { keys: [{ ...key.jwk, x5u: 'https://a.example', 'x-note': 'text' }] };
		expect(settings.parse({ issuer, jwks }).jwks).toEqual([key.jwk]);
	});

	it('say that they stand in the configuration, and are never renewed', async () => {
		const deps = { fetch: noNetwork, clock: () => Date.now() };
		const tokens = createTokenVerifier([settings.parse({ issuer, jwks: { keys: [key.jwk] } }) as TrustedIssuer], deps);
		await tokens.verify(await sign(key), '192.0.2.1');
		tokens.renewKeys();
		expect(tokens.states()).toEqual({ [issuer]: { ok: true, detail: 'keys of the configuration' } });
	});

	it.each([
		{ name: 'a private key', keys: async () => [await exportJWK(key.privateKey)], says: "the private member 'd'" },
		{ name: 'a secret', keys: async () => [{ kty: 'oct', k: 'c2VjcmV0' }], says: "the private member 'k'" },
		{ name: 'no key', keys: async () => [], says: 'Too small' },
		{ name: 'a short key', keys: async () => [{ kty: 'RSA', e: 'AQAB', n: 'xQ'.repeat(64) }], says: 'no key is one' },
		{ name: 'an unknown kind', keys: async () => [{ kty: 'X' }], says: 'no key is one' },
		{ name: 'keys for encryption', keys: async () => [{ ...key.jwk, use: 'enc' }], says: 'no key is one' },
		{ name: 'too many', keys: async () => Array(101).fill(key.jwk), says: 'Too big' },
	])('are refused with $name, in the settings as in a file', async ({ keys, says }) => {
		const set = { keys: await keys() };
		files.write('bad.json', JSON.stringify(set));
		for (const given of [{ jwks: set }, { jwksFile: path('bad.json') }])
			expect(settings.safeParse({ issuer, ...given }).error?.issues[0]?.message).toContain(says);
	});

	it.each([
		{ name: 'no JSON', content: 'secret text', says: 'is no key set' },
		{ name: 'longer than 256 KiB', content: `{"keys":[],"x":"${'a'.repeat(262_144)}"}`, says: 'is longer than' },
		{ name: 'a list', content: '[]', says: 'is no key set' },
	])('are refused in a file that is $name, without a word of it', ({ content, says }) => {
		files.write('bad.json', content);
		const message = settings.safeParse({ issuer, jwksFile: path('bad.json') }).error?.issues[0]?.message;
		expect(message).toContain(says);
		expect(message).toContain('bad.json');
		expect(message).not.toContain('secret text');
	});

	it('are refused in what is no file, which may never end', () => {
		for (const place of ['/dev/zero', files.path])
			expect(settings.safeParse({ issuer, jwksFile: place }).error?.issues[0]?.message).toContain('is no file');
	});

	it('have one source', () => {
		const jwks = { keys: [key.jwk] };
		files.write('keys.json', JSON.stringify(jwks));
		for (const two of [
			{ jwks, jwksFile: path('keys.json') },
			{ jwks, caFile: path('company.pem') },
		])
			expect(settings.safeParse({ issuer, ...two }).error?.issues[0]?.message).toContain('of which one must go');
	});
});
