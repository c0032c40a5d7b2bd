import { createPublicKey } from 'node:crypto';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { assembleToken, generateSigningKey, startTokenIssuer, type TokenIssuer } from '@chancery/testkit/token-issuer';
import { exportJWK } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTokenVerifier, type TokenVerifier } from './token-verifier.ts';

const START_MS = Date.UTC(2026, 7, 1, 12);
let nowMs: number;
let issuer: TokenIssuer;
let tokens: TokenVerifier;
let fetched: string[];

beforeEach(async () => {
	nowMs = START_MS;
	issuer = await startTokenIssuer(() => nowMs, '/auth');
	fetched = [];
	tokens = createTokenVerifier([{ issuer: issuer.url, audience: 'sigstore' }], {
		clock: () => nowMs,
		fetch: (input, init) => {
			fetched.push(String(input));
			return fetch(input, init);
		},
	});
});
afterEach(() => issuer.close());

const codeOf = (token: string) =>
	tokens.verify(token, '192.0.2.1').then(
		() => 'accepted',
		(error: { code?: string }) => error.code ?? String(error),
	);

describe('the keys of an issuer', () => {
	it('are not asked for before the first token, and once for many', async () => {
		expect(tokens.states()).toEqual({ [issuer.url]: { ok: true, detail: 'not asked yet' } });
		const token = await issuer.mint({});
		expect(await Promise.all(Array.from({ length: 20 }, () => codeOf(token)))).toEqual(Array(20).fill('accepted'));
		expect(issuer.requests).toEqual(['/auth/.well-known/openid-configuration', '/auth/keys']);
	});

	it('are asked for again when a token names an unknown key, by one request for many tokens', async () => {
		await codeOf(await issuer.mint({}));
		const next = await generateSigningKey('ES256', 'second');
		issuer.published.keys.push(next.jwk);
		nowMs += 10_000;
		const token = await issuer.mint({}, { key: next });
		expect(await Promise.all(Array.from({ length: 20 }, () => codeOf(token)))).toEqual(Array(20).fill('accepted'));
		expect(issuer.requests).toHaveLength(4);
	});

	it('are not asked for more often than every ten seconds, however many unknown keys tokens name', async () => {
		await codeOf(await issuer.mint({}));
		for (let i = 0; i < 30; i++) {
			nowMs += 100;
			const unknown = assembleToken({ alg: 'ES256', kid: `k${i}` }, { iss: issuer.url }, 'AAAA');
			expect(await codeOf(unknown)).toBe('token-key-unknown');
		}
		expect(issuer.requests).toHaveLength(2);
		nowMs += 10_000;
		const more = assembleToken({ alg: 'ES256', kid: 'more' }, { iss: issuer.url }, 'AAAA');
		expect(await codeOf(more)).toBe('token-signature');
		expect(issuer.requests).toHaveLength(4);
	});

	it('that were changed a moment after they were asked for are no reason to give up, but to come back', async () => {
		await codeOf(await issuer.mint({}));
		const next = await generateSigningKey('ES256', 'second');
		issuer.published.keys = [next.jwk];
		const token = await issuer.mint({}, { key: next });
		nowMs += 2_500;
		const refused = await tokens.verify(token, '192.0.2.1').catch((error: unknown) => error);
		expect(refused).toMatchObject({ code: 'token-key-unknown', retryAfterSeconds: 8 });
		expect(issuer.requests).toHaveLength(2);
		nowMs += 8_000;
		expect(await codeOf(token)).toBe('accepted');
		expect(issuer.requests).toHaveLength(4);
	});

	it('stop being accepted ten minutes after they were withdrawn', async () => {
		const token = await issuer.mint({ exp: START_MS / 1000 + 7200 });
		expect(await codeOf(token)).toBe('accepted');
		issuer.published.keys = [(await generateSigningKey('ES256', 'other')).jwk];
		nowMs += 9 * 60_000;
		expect(await codeOf(token)).toBe('accepted');
		nowMs += 61_000;
		expect(await codeOf(token)).toBe('token-signature');
	});

	it('last an hour when the issuer does not answer, and no longer', async () => {
		const token = await issuer.mint({ exp: START_MS / 1000 + 7200 });
		expect(await codeOf(token)).toBe('accepted');
		issuer.published.status = 500;
		nowMs += 59 * 60_000;
		expect(await codeOf(token)).toBe('accepted');
		expect(tokens.states()[issuer.url]).toEqual({
			ok: false,
			detail: 'keys known; the last attempt to fetch them failed',
		});
		nowMs += 61_000;
		expect(await codeOf(token)).toBe('issuer-unavailable');
		issuer.published.status = 200;
		nowMs += 60_000;
		expect(await codeOf(token)).toBe('accepted');
	});

	it('are tried one after the other when the token names none', async () => {
		const second = await generateSigningKey('ES256', 'second');
		issuer.published.keys = [second.jwk, issuer.key.jwk];
		expect(await codeOf(await issuer.mint({}, { header: { kid: undefined } }))).toBe('accepted');
	});

	it('survive a clock that is set back', async () => {
		expect(await codeOf(await issuer.mint({}))).toBe('accepted');
		nowMs -= 86_400_000;
		expect(await codeOf(await issuer.mint({}))).toBe('accepted');
		expect(issuer.requests).toHaveLength(4);
	});
});

describe('an issuer that is down or wrong', () => {
	it.each<{ name: string; change: () => void }>([
		{
			name: 'answers an error',
			change: () => {
				issuer.published.status = 500;
			},
		},
		{
			name: 'names another issuer in its discovery document',
			change: () => {
				issuer.published.discovery.issuer = `${issuer.url}/`;
			},
		},
		{
			name: 'keeps its keys at a neighbour in plain text',
			change: () => {
				issuer.published.discovery.jwks_uri = 'http://169.254.169.254/keys';
			},
		},
		{
			name: 'keeps its keys in a file',
			change: () => {
				issuer.published.discovery.jwks_uri = 'file:///etc/passwd';
			},
		},
		{
			name: 'redirects',
			change: () => {
				issuer.published.status = 302;
			},
		},
		{
			name: 'answers without end',
			change: () => {
				issuer.published.rawKeys = `{"keys":[],"x":"${'a'.repeat(300_000)}"}`;
			},
		},
		{
			name: 'answers no JSON',
			change: () => {
				issuer.published.rawKeys = '<html>';
			},
		},
		{
			name: 'answers a set that is none',
			change: () => {
				issuer.published.rawKeys = '{"keys":{}}';
			},
		},
	])('refuses tokens when it $name, and asks again only after a second', async ({ change }) => {
		change();
		const token = await issuer.mint({});
		expect(await codeOf(token)).toBe('issuer-unavailable');
		const asked = fetched.length;
		expect(asked).toBeGreaterThan(0);
		expect(await codeOf(token)).toBe('issuer-unavailable');
		expect(fetched).toHaveLength(asked);
		expect(fetched.every((url) => url.startsWith(issuer.url))).toBe(true);
		nowMs += 1_000;
		await codeOf(token);
		expect(fetched.length).toBeGreaterThan(asked);
	});

	it('works from the next second on when it comes up', async () => {
		issuer.published.status = 503;
		const token = await issuer.mint({});
		expect(await codeOf(token)).toBe('issuer-unavailable');
		issuer.published.status = 200;
		nowMs += 1_000;
		expect(await codeOf(token)).toBe('accepted');
	});
});

describe('algorithms', () => {
	it.each(['RS256', 'PS384', 'ES512', 'EdDSA'])('accepts %s when the issuer announces it', async (alg) => {
		const key = await generateSigningKey(alg, 'other');
		issuer.published.keys = [key.jwk];
		issuer.published.discovery.id_token_signing_alg_values_supported = [alg];
		expect(await codeOf(await issuer.mint({}, { key }))).toBe('accepted');
	});

	it('takes RS256, and nothing else, from an issuer that announces none', async () => {
		delete issuer.published.discovery.id_token_signing_alg_values_supported;
		const key = await generateSigningKey('RS256', 'rsa');
		issuer.published.keys.push(key.jwk);
		expect(await codeOf(await issuer.mint({}, { key }))).toBe('accepted');
		expect(await codeOf(await issuer.mint({}))).toBe('token-algorithm');
	});

	it.each(['none', 'HS256', 'HS512', 'A128KW', '__proto__', 'ES256K'])(
		'refuses %s even when the issuer announces it',
		async (alg) => {
			issuer.published.discovery.id_token_signing_alg_values_supported = [alg, 'ES256'];
			const secret = { kty: 'oct', k: 'c2VjcmV0', kid: 'first', alg };
			issuer.published.keys.push(secret as never);
			expect(await codeOf(assembleToken({ alg, kid: 'first' }, { iss: issuer.url }, 'AAAA'))).toBe('token-algorithm');
		},
	);

	it('refuses a token whose header turns the curve of the key into another algorithm', async () => {
		issuer.published.discovery.id_token_signing_alg_values_supported = ['ES256', 'ES384', 'RS256'];
		const key = await generateSigningKey('ES384', 'first');
		expect(await codeOf(await issuer.mint({}, { key }))).toBe('token-signature');
	});

	it('never takes a private or short key out of a published set', async () => {
		const short = { ...(await exportJWK(createPublicKey(SHORT_RSA))), kid: 'first', alg: 'RS256' };
		issuer.published.keys = [short];
		issuer.published.discovery.id_token_signing_alg_values_supported = ['RS256'];
		const token = assembleToken({ alg: 'RS256', kid: 'first' }, { iss: issuer.url }, 'AAAA');
		expect(await codeOf(token)).toBe('token-signature');
	});
});

describe('tokens that nobody made', () => {
	it('are refused with a code, whatever byte of a good one is changed', async () => {
		const good = await issuer.mint({ email: 'ada@example.com' });
		expect(await codeOf(good)).toBe('accepted');
		for (let i = 0; i < good.length; i++) {
			const mangled = good.slice(0, i) + (good[i] === 'A' ? 'B' : 'A') + good.slice(i + 1);
			const code = await codeOf(mangled);
			expect(code, `position ${i} of ${good.length}`).toMatch(/^(token|issuer|claim)-/);
		}
	});

	it('are refused with a code when they are random text', async () => {
		const random = new SeededRandom(20260801);
		const alphabet = [...'abcXYZ019-_.={}"\u0000\ud800 '];
		for (let i = 0; i < 500; i++) {
			const text = random.text(alphabet, random.below(60));
			expect(await codeOf(text)).toMatch(/^token-(missing|malformed)$/);
		}
	});
});

/** RSA of 1024 bits; nothing was ever signed with it. */
const SHORT_RSA = {
	key: {
		kty: 'RSA',
		e: 'AQAB',
		n: Buffer.alloc(128, 0xc5).toString('base64url'),
	},
	format: 'jwk',
} as const;
