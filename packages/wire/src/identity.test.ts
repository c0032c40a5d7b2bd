import { describe, expect, it } from 'vitest';
import {
	authIssuer,
	ciIssuer,
	DEVELOPMENT_PRESETS,
	developmentTokenRequest,
	emailAddress,
	presetIssuer,
	presetOf,
	publicJwk,
} from './identity.ts';

describe('an e-mail address', () => {
	it.each([
		'a@b.c',
		'alice@example.com',
		'first.last+tag@sub.example.co',
		"o'neil@example.com",
		'kilgore@kilgore.trout',
	])('may be %s', (text) => expect(emailAddress.safeParse(text).success).toBe(true));

	it.each([
		'',
		'@',
		'a@b',
		'a@localhost',
		'a@192.0.2.1',
		'a..b@c.d',
		'.a@c.d',
		'a@c..d',
		'a@c.d.',
		'a@',
		'@b',
		'a@b@c.d',
		'a b@c.d',
		'a@b c.d',
		'a@-b.c',
		'a@b-.c',
		'a@b.c\n',
		'ä@b.c',
		'"a"@b.c',
		'a@[127.0.0.1]',
		`a@${'b.'.repeat(200)}c`,
		`${'a'.repeat(65)}@b.c`,
	])('may not be %j', (text) => expect(emailAddress.safeParse(text).success).toBe(false));
});

describe('a request for a development token', () => {
	it('names a person or a workflow', () => {
		expect(developmentTokenRequest.safeParse({ email: 'a@b.c' }).success).toBe(true);
		expect(developmentTokenRequest.safeParse({ claims: { job_workflow_ref: 'o/r/w@ref' } }).success).toBe(true);
		expect(developmentTokenRequest.safeParse({ claims: { repository: 'o/r' } }).success).toBe(false);
		expect(presetOf({ claims: JSON.parse('{"__proto__":{"job_workflow_ref":"x"}}') })).toBeUndefined();
	});

	it.each(DEVELOPMENT_PRESETS)(
		'names the machine of preset %s, with an address only where such tokens have one',
		(preset) => {
			expect(developmentTokenRequest.safeParse({ preset }).success).toBe(true);
			expect(developmentTokenRequest.safeParse({ preset, email: 'a@b.c' }).success).toBe(preset === 'google');
			expect(presetOf({ preset, claims: { job_workflow_ref: 'x' } })).toBe(preset);
		},
	);

	it('names no other preset', () => {
		expect(developmentTokenRequest.safeParse({ preset: 'jenkins', email: 'a@b.c' }).success).toBe(false);
	});

	it('stops at its bounds instead of running out of stack', () => {
		let deep: unknown = 1;
		for (let i = 0; i < 100_000; i++) deep = [deep];
		expect(developmentTokenRequest.safeParse({ email: 'a@b.c', claims: { deep } }).success).toBe(false);
	});
});

describe('a published key', () => {
	it('loses every private member', () => {
		expect(publicJwk.parse({ kty: 'RSA', kid: 'k', n: 'n', e: 'e', d: 'd', p: 'p', q: 'q' })).toEqual({
			kty: 'RSA',
			kid: 'k',
			n: 'n',
			e: 'e',
		});
	});
});

it('the issuer of each preset lies below the public URL, and no two are the same', () => {
	const issuers = DEVELOPMENT_PRESETS.map((preset) => presetIssuer('http://localhost:7401', preset));
	expect(new Set(issuers).size).toBe(DEVELOPMENT_PRESETS.length);
	for (const issuer of issuers) expect(issuer).toMatch(/^http:\/\/localhost:7401\/ci(\/[a-z]+)?$/);
});

it('the issuers lie below the public URL', () => {
	expect([authIssuer('http://localhost:7401'), ciIssuer('http://localhost:7401')]).toEqual([
		'http://localhost:7401/auth',
		'http://localhost:7401/ci',
	]);
});
