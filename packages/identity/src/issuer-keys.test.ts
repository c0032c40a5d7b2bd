import { spawnSync } from 'node:child_process';
import { createPublicKey, verify as verifySignature } from 'node:crypto';
import { openTrustReport } from '@chancery/chassis/trust-report';
import { createRemoteJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { startIdentityServer, TEST_SECRET } from '../test/identity-server.ts';
import { openIssuerKeys, SigningKeyError } from './domain/issuer-keys.ts';
import { reportTrust } from './domain/trust.ts';
import { generateSigningJwks } from './generate-jwks.ts';

const ISSUER = 'http://id.example/auth';

async function mint(publicUrl: string): Promise<string> {
	const response = await fetch(`${publicUrl}/development/token`, {
		method: 'POST',
		body: JSON.stringify({ email: 'alice@example.com' }),
		headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_SECRET}` },
	});
	return ((await response.json()) as { token: string }).token;
}

describe('the keys of an issuer', () => {
	it('rotate while tokens of the old key still verify', async () => {
		const [old, next] = await Promise.all([generateSigningJwks(), generateSigningJwks()]);
		const before = await startIdentityServer({ signingJwks: old });
		const cached = createRemoteJWKSet(new URL(`${before.issuer}/keys`), { cooldownDuration: 0 });
		const check = (token: string) => jwtVerify(token, cached, { issuer: before.issuer, audience: 'sigstore' });
		const first = await mint(before.publicUrl);
		const firstKid = (await check(first)).protectedHeader.kid;
		await before.stop();

		const both = { auth: [...next.auth, ...old.auth], ci: [...next.ci, ...old.ci] };
		const after = await startIdentityServer({ signingJwks: both, continueFrom: before });
		try {
			const second = await mint(after.publicUrl);
			// The verifier holds the old set: it meets an unknown kid and fetches again.
			expect((await check(second)).protectedHeader.kid).not.toBe(firstKid);
			expect((await check(first)).protectedHeader.kid).toBe(firstKid);
		} finally {
			await after.stop();
			await after.test.drop();
		}
	});

	it('are made fit for use', async () => {
		const made = await generateSigningJwks();
		expect(made.auth.map(({ kty, alg, use }) => ({ kty, alg, use }))).toEqual([
			{ kty: 'RSA', alg: 'RS256', use: 'sig' },
			{ kty: 'EC', alg: 'ES256', use: 'sig' },
		]);
		const kids = [...made.auth, ...made.ci].map((key) => key.kid);
		expect(new Set(kids).size).toBe(3);
		const { publicJwks } = await openIssuerKeys(ISSUER, made.auth);
		for (const key of publicJwks) expect(Object.keys(key)).not.toEqual(expect.arrayContaining(['d']));
	});

	it('are named by their thumbprint (RFC 7638) when they have no name', async () => {
		const { auth } = await generateSigningJwks();
		const nameless = auth.map(({ kid: _kid, alg: _alg, use: _use, ...key }) => key);
		const opened = await openIssuerKeys(ISSUER, nameless);
		expect(opened.publicJwks.map((key) => key.kid)).toEqual(auth.map((key) => key.kid));
	});

	it('sign a report about the issuer that leads back to the published key set', async () => {
		const { auth } = await generateSigningJwks();
		const keys = await openIssuerKeys(ISSUER, auth);
		const opened = await openTrustReport(await reportTrust(ISSUER, keys, () => 1_700_000_000_000));
		expect(opened).toMatchObject({ service: 'identity', material: { kind: 'identity', issuer: ISSUER } });
		const published = keys.publicJwks.find((key) => key.alg === 'ES256');
		const key = createPublicKey({ key: { ...(published as JWK) }, format: 'jwk' });
		const message = new Uint8Array([1, 2, 3]);
		expect(verifySignature('sha256', message, key, (await keys.reportSigner?.sign(message)) ?? new Uint8Array())).toBe(
			true,
		);
		expect(Buffer.from(keys.reportSigner?.publicKey ?? []).equals(key.export({ type: 'spki', format: 'der' }))).toBe(
			true,
		);
	});

	it('need not be able to sign a report', async () => {
		const { ci } = await generateSigningJwks();
		const keys = await openIssuerKeys(ISSUER, ci);
		await expect(reportTrust(ISSUER, keys, Date.now)).rejects.toMatchObject({ code: 'not-found' });
	});

	it('are refused when they cannot serve, without a word of what is in them', async () => {
		const { auth, ci } = await generateSigningJwks();
		const [rsa = {}, ec = {}] = auth;
		const { d: _d, ...publicOnly } = rsa;
		const ed = { ...(await exportJWK((await generateKeyPair('EdDSA', { extractable: true })).privateKey)) };
		const cases: [string, JWK[]][] = [
			['none', []],
			['no RSA key', [ec]],
			['a public key', [publicOnly as JWK]],
			['another algorithm', [{ ...rsa, alg: 'PS256' }]],
			['an encryption key', [{ ...rsa, use: 'enc' }]],
			['an Ed25519 key', [rsa, ed]],
			['the same key twice', [rsa, rsa]],
			['a broken key', [{ ...rsa, n: 'AAAA', d: 'secret-part' }]],
			['not a key', [{ kty: 'RSA', d: 'secret-part' }]],
			['a key with the private numbers of another', [{ ...rsa, d: ci[0]?.d ?? '', dp: ci[0]?.dp ?? '' }]],
			['a name that no header can carry', [{ ...rsa, kid: '\ud800' }]],
			['a name that is no text', [{ ...rsa, kid: 7 } as unknown as JWK]],
		];
		for (const [what, jwks] of cases) {
			const refusal = await openIssuerKeys(ISSUER, jwks).then(
				() => undefined,
				(error: unknown) => error,
			);
			expect(refusal, what).toBeInstanceOf(SigningKeyError);
			expect(String(refusal)).not.toMatch(/secret-part/);
			expect(String(refusal)).not.toContain(rsa.d);
		}
	});
});

describe('the provider library', () => {
	it('is loaded without a word on the console', () => {
		const script = `await import(${JSON.stringify(new URL('./provider/provider.ts', import.meta.url).href)})`;
		const { stdout, stderr, status } = spawnSync(
			process.execPath,
			['--input-type=module', '-e', `${script}; process.stdout.write('done')`],
			{
				encoding: 'utf8',
			},
		);
		expect({ stdout, stderr, status }).toEqual({ stdout: 'done', stderr: '', status: 0 });
	});
});
