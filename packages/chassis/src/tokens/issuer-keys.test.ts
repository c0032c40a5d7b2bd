import { assembleToken, generateSigningKey, startTokenIssuer, type TokenIssuer } from '@chancery/testkit/token-issuer';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTokenVerifier, type TokenVerifier } from './token-verifier.ts';

/**
 * One issuer that answers, and one whose name server, connection or answer hangs: nothing comes, and nobody hears the
 * signal. Timers are the test's, so that no time is waited for.
 */
const HANGING = 'https://hangs.example';
const START_MS = Date.UTC(2026, 7, 1, 12);
let nowMs: number;
let healthy: TokenIssuer;
let tokens: TokenVerifier;
let hangs: Set<string>;
let asked: string[];

beforeEach(async () => {
	nowMs = START_MS;
	healthy = await startTokenIssuer(() => nowMs, '/auth');
	hangs = new Set([HANGING]);
	asked = [];
	tokens = createTokenVerifier(
		[healthy.url, HANGING].map((issuer) => ({ issuer, audience: 'sigstore' })),
		{
			clock: () => nowMs,
			fetch: (input, init) => {
				asked.push(String(input));
				return [...hangs].some((url) => String(input).startsWith(url))
					? new Promise(() => undefined)
					: fetch(input, init);
			},
		},
	);
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
	vi.useRealTimers();
	return healthy.close();
});

interface Outcome {
	readonly code: string;
	readonly retryAfterSeconds?: number;
}

const ask = (token: string, address = '192.0.2.1'): Promise<Outcome> =>
	tokens.verify(token, address).then(
		() => ({ code: 'accepted' }),
		(error: Outcome) => error,
	);
const junk = (issuer: string, kid = 'surprise') => assembleToken({ alg: 'ES256', kid }, { iss: issuer }, 'AAAA');
/** Those of the answers that are there already. */
async function answeredOf(answers: readonly Promise<Outcome>[]): Promise<Outcome[]> {
	await new Promise((resolve) => setImmediate(resolve));
	const open = Symbol('open');
	const states = await Promise.all(answers.map((answer) => Promise.race([answer, Promise.resolve(open)])));
	return states.filter((state): state is Outcome => state !== open);
}
const advance = async (ms: number) => {
	nowMs += ms;
	await vi.advanceTimersByTimeAsync(ms);
};

describe('an issuer that hangs', () => {
	it('keeps few requests waiting, none of them long, and is asked once', async () => {
		const answers = Array.from({ length: 600 }, (_, i) => ask(junk(HANGING, `k${i}`), `192.0.2.${i % 3}`));
		const atOnce = await answeredOf(answers);
		expect(atOnce).toHaveLength(600 - 128);
		for (const { code, retryAfterSeconds } of atOnce) {
			expect(code).toBe('issuer-unavailable');
			expect(retryAfterSeconds).toBeGreaterThan(0);
		}
		await advance(2_000);
		expect(await answeredOf(answers)).toHaveLength(600);
		expect(asked).toHaveLength(1);
	});

	it('is refused at once, without a question, until a pause that grows has passed', async () => {
		const first = ask(junk(HANGING));
		await advance(5_000);
		expect((await first).code).toBe('issuer-unavailable');
		for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
			const before = asked.length;
			await advance(pauseMs - 1);
			const refused = await answeredOf(Array.from({ length: 600 }, () => ask(junk(HANGING))));
			expect(refused.map(({ code }) => code)).toEqual(Array(600).fill('issuer-unavailable'));
			expect(asked).toHaveLength(before);
			await advance(1);
			const probes = Array.from({ length: 600 }, () => ask(junk(HANGING)));
			// Few wait to see whether it is back.
			expect(await answeredOf(probes)).toHaveLength(600 - 8);
			expect(asked).toHaveLength(before + 1);
			await advance(5_000);
			expect(await answeredOf(probes)).toHaveLength(600);
		}
	});

	it('takes nothing from another issuer, whose keys are known or not', async () => {
		const attack = Array.from({ length: 600 }, () => ask(junk(HANGING)));
		expect(await ask(await healthy.mint({}))).toEqual({ code: 'accepted' });
		expect(await ask(await healthy.mint({}))).toEqual({ code: 'accepted' });
		await advance(5_000);
		await answeredOf(attack);
	});

	it.each([
		{ name: 'one IPv4 address', addressOf: () => '192.0.2.1', other: '198.51.100.7' },
		{ name: 'the addresses of one IPv6 network', addressOf: (i: number) => `2001:db8::${i}`, other: '2001:db8:0:1::1' },
	])('leaves places for others, when $name holds all that it may', async ({ addressOf, other }) => {
		hangs.add(healthy.url);
		const attack = [HANGING, healthy.url].flatMap((issuer) =>
			Array.from({ length: 300 }, (_, i) => ask(junk(issuer), addressOf(i))),
		);
		expect(await answeredOf(attack)).toHaveLength(600 - 192);
		const late = ask(junk(healthy.url), other);
		expect(await answeredOf([late])).toEqual([]);
		await advance(5_000);
		expect(await answeredOf([...attack, late])).toHaveLength(601);
	});

	it('does not delay a token whose key is known, however long it hangs', async () => {
		const token = await healthy.mint({ exp: START_MS / 1000 + 7200 });
		expect(await ask(token)).toEqual({ code: 'accepted' });
		hangs.add(healthy.url);
		for (let minute = 0; minute < 55; minute++) {
			await advance(60_000);
			tokens.renewKeys();
			const flood = Array.from({ length: 50 }, (_, i) => ask(junk(healthy.url, `k${i}`)));
			expect(await ask(token), `minute ${minute}`).toEqual({ code: 'accepted' });
			await advance(2_000);
			expect(await answeredOf(flood)).toHaveLength(50);
		}
	});

	it('serves again when it answers again', async () => {
		hangs.add(healthy.url);
		const first = ask(await healthy.mint({}));
		await advance(5_000);
		expect((await first).code).toBe('issuer-unavailable');
		hangs.delete(healthy.url);
		await advance(1_000);
		expect(await ask(await healthy.mint({}))).toEqual({ code: 'accepted' });
	});
});

describe('tokens with keys that nobody knows', () => {
	it('are answered as what they are when the issuer has no such key, and as passing when it cannot be asked', async () => {
		expect((await ask(junk(healthy.url))).code).toBe('token-signature');
		expect((await ask(junk(healthy.url))).code).toBe('token-key-unknown');
		expect(await ask(await healthy.mint({}))).toEqual({ code: 'accepted' });
		hangs.add(healthy.url);
		await advance(10_000);
		const waiting = ask(junk(healthy.url));
		await advance(5_000);
		expect((await waiting).code).toBe('issuer-unavailable');
		expect((await ask(junk(healthy.url))).code).toBe('issuer-unavailable');
	});

	it('never make the issuer be asked for an algorithm that nobody accepts', async () => {
		for (const alg of ['none', 'HS256', 'surprise'])
			expect((await ask(assembleToken({ alg }, { iss: healthy.url }))).code).toBe('token-algorithm');
		expect(asked).toEqual([]);
	});
});

describe('keys in use', () => {
	it('are renewed before they are too old, without a token that waits for it', async () => {
		expect(await ask(await healthy.mint({}))).toEqual({ code: 'accepted' });
		healthy.published.keys = [(await generateSigningKey('ES256', 'other')).jwk];
		await advance(5 * 60_000 + 1);
		tokens.renewKeys();
		await vi.waitUntil(() => asked.length === 4 && healthy.requests.length === 4);
		await vi.waitUntil(async () => (await ask(await healthy.mint({}))).code === 'token-key-unknown');
	});

	it('are forgotten when no token asks for them', async () => {
		expect(await ask(await healthy.mint({}))).toEqual({ code: 'accepted' });
		await advance(61 * 60_000);
		tokens.renewKeys();
		expect(asked).toHaveLength(2);
	});
});

describe('a key set', () => {
	it.each([
		{ name: 'a modulus of 16384 bits', n: Buffer.alloc(2048, 0xc5), e: Buffer.from([1, 0, 1]) },
		{ name: 'an exponent as long as the modulus', n: Buffer.alloc(256, 0xc5), e: Buffer.alloc(256, 0x55) },
	])('offers no RSA key with $name, which would cost us and not the sender', async ({ n, e }) => {
		const costly = { kty: 'RSA', kid: 'costly', alg: 'RS256', n: n.toString('base64url'), e: e.toString('base64url') };
		healthy.published.keys = [costly, healthy.key.jwk];
		healthy.published.discovery.id_token_signing_alg_values_supported = ['RS256', 'ES256'];
		const token = assembleToken({ alg: 'RS256', kid: 'costly' }, { iss: healthy.url }, 'AAAA');
		expect(await ask(token)).toMatchObject({
			code: 'token-signature',
			detail: expect.stringContaining("no key 'costly'"),
		});
		expect(await ask(await healthy.mint({}))).toEqual({ code: 'accepted' });
	});
});
