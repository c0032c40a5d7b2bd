/** A planned rotation, by the clock of the test, against verifiers that hold what was published before. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@chancery/chassis/config/config-error';
import { createLogger } from '@chancery/chassis/logger';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startIdentityServer } from '../test/identity-server.ts';
import { configSchema, readSigningJwks, readSigningJwksAgain } from './config.ts';
import { SigningKeyError } from './domain/issuer-keys.ts';
import { keysAt } from './domain/key-schedule.ts';
import { LiveKeys } from './domain/live-keys.ts';
import { generateSigningJwks, planRotation, type SigningJwks } from './generate-jwks.ts';
import { renewKeys } from './jobs/renew-keys.ts';

const ISSUER = 'https://id.example/auth';
const MINUTE = 60_000;
const BEGIN = Date.parse('2026-03-01T12:00:00Z');
const logger = createLogger({ level: 'silent', json: true, name: 'test' });

let folder: string;
let path: string;
let nowMs: number;

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'rotation-'));
	path = join(folder, 'keys.json');
	nowMs = BEGIN;
	write(await generateSigningJwks());
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (jwks: SigningJwks) => writeFileSync(path, JSON.stringify(jwks));
const source = () =>
	configSchema({}).parse({ publicUrl: 'https://id.example', signingJwks: { file: path } }).signingJwks;
const publicSet = (keys: LiveKeys) => createLocalJWKSet({ keys: [...keys.publicJwks] } as JSONWebKeySet);
const token = (keys: LiveKeys) => keys.signClaims({ iss: ISSUER, sub: 'x', aud: 'sigstore' });

describe('a planned rotation', () => {
	it('signs with a key that every verifier has had for ten minutes, and keeps the old one for its last token', async () => {
		const secret = source();
		const keys = await LiveKeys.open(ISSUER, readSigningJwks(secret).auth, () => nowMs);
		const renew = () => renewKeys({ read: () => readSigningJwksAgain(secret), auth: keys, logger });
		const first = keys.publicJwks[0]?.kid;

		const plan = await planRotation(JSON.parse(readFileSync(path, 'utf8')) as SigningJwks, 'auth', nowMs);
		expect(plan).toMatchObject({ isNew: true, signsFrom: BEGIN / 1000 + 15 * 60 });
		write(plan.jwks);
		let cached = publicSet(keys);
		let lastOfOld = '';
		const signers = new Set<string | undefined>();
		for (; nowMs <= BEGIN + 40 * MINUTE; nowMs += MINUTE) {
			await renew();
			const made = await token(keys);
			const { kid } = (await jwtVerify(made, cached)).protectedHeader;
			signers.add(kid);
			if (kid === first) lastOfOld = made;
			// A token lives ten minutes: while the last one of the old key does, the published set verifies it.
			if (kid !== first && nowMs <= BEGIN + 25 * MINUTE) await jwtVerify(lastOfOld, publicSet(keys));
			// A verifier keeps a set for ten minutes.
			if ((nowMs - BEGIN) % (10 * MINUTE) === 0) cached = publicSet(keys);
		}
		expect([...signers]).toEqual([first, plan.kid]);
		expect(keys.publicJwks.map(({ kid }) => kid)).not.toContain(first);
		// The key of the trust report signs no tokens and is not rotated with them.
		expect(keys.reportSigner).toBeDefined();
	});

	it('happens in a running service, for both of its issuers', async () => {
		const before = await generateSigningJwks();
		const { jwks } = await planRotation((await planRotation(before, 'auth', nowMs)).jwks, 'ci', nowMs);
		const server = await startIdentityServer({ signingJwks: jwks, clock: () => nowMs });
		const published = async () => {
			const sets = await Promise.all(
				['/auth/keys', '/ci/keys'].map(
					async (path) => (await (await fetch(server.publicUrl + path)).json()) as JSONWebKeySet,
				),
			);
			return sets.flatMap(({ keys }) => keys.map(({ kid }) => kid));
		};
		const stop = new AbortController();
		const running = server.service.jobs.find(({ name }) => name === 'renew-keys')?.run(stop.signal);
		try {
			const old = [before.auth[0]?.kid, before.ci[0]?.kid];
			expect(await published()).toEqual(expect.arrayContaining(old));
			nowMs += 31 * MINUTE;
			await expect.poll(async () => (await published()).filter((kid) => old.includes(kid))).toEqual([]);
		} finally {
			stop.abort();
			await running;
			await server.stop();
			await server.test.drop();
		}
	});

	it('changes nothing when it is planned twice, and can follow the last one', async () => {
		const start = await generateSigningJwks();
		const once = await planRotation(start, 'auth', nowMs);
		const twice = await planRotation(once.jwks, 'auth', nowMs + MINUTE);
		expect(twice).toMatchObject({ isNew: false, kid: once.kid, jwks: once.jwks });
		const later = await planRotation(once.jwks, 'auth', nowMs + 60 * MINUTE);
		expect(later.isNew).toBe(true);
		expect(keysAt(later.jwks.auth, nowMs + 80 * MINUTE).filter(({ kty }) => kty === 'RSA')).toHaveLength(2);
	});

	it.each([
		['is no JSON', '{', ConfigError],
		['is gone', undefined, ConfigError],
		['has no key that signs', JSON.stringify({ auth: [] }), SigningKeyError],
		['has a time that is none', undefined, SigningKeyError],
	])('leaves the keys as they are when the file %s', async (name, content, kind) => {
		const secret = source();
		const jwks = readSigningJwks(secret);
		const keys = await LiveKeys.open(ISSUER, jwks.auth, () => nowMs);
		const before = await token(keys);
		if (name === 'is gone') rmSync(path);
		else if (content === undefined) write({ ...jwks, auth: jwks.auth.map((key) => ({ ...key, nbf: 'soon' })) });
		else writeFileSync(path, content);
		const renew = renewKeys({ read: () => readSigningJwksAgain(secret), auth: keys, logger });
		await expect(renew).rejects.toThrow(kind);
		await jwtVerify(before, publicSet(keys));
	});
});
