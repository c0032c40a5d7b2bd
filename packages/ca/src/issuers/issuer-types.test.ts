import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { identify } from '../domain/principal.ts';
import { ISSUER_TYPES, issuerSettings, typeOf } from './issuer-types.ts';

const EXAMPLES = ISSUER_TYPES.flatMap((type) => type.examples.map((example) => ({ ...example, type })));

describe('every issuer type', () => {
	it('has a name of its own, examples, and settings that are told apart by that name', () => {
		expect(new Set(ISSUER_TYPES.map(({ name }) => name)).size).toBe(ISSUER_TYPES.length);
		for (const type of ISSUER_TYPES) {
			expect(type.examples.length).toBeGreaterThan(0);
			expect(typeOf(type.name)).toBe(type);
			expect(issuerSettings.parse({ type: type.name, ...type.examples[0]!.settings })).toMatchObject({
				type: type.name,
				audience: 'sigstore',
				rules: [],
			});
		}
	});

	it.each(EXAMPLES)(
		'$type.name turns $name into the certified identity',
		({ type, settings, claims, expect: wanted }) => {
			const parsed = issuerSettings.parse({ type: type.name, ...settings });
			const identity = identify({ settings: parsed, claims });
			const { subject, issuer } = wanted;
			expect(identity).toMatchObject({ subject, issuer });
			expect(identity.extensions).toEqual({ ...wanted.extensions, issuer, issuerV2: issuer, subject: claims.sub });
			expect(identity.challenges).toContain(claims[type.challengeClaim]);
			expect(identity.challenges).toContain(claims.sub);
		},
	);

	it.each(EXAMPLES)(
		'$type.name refuses $name without any claim that it needs, in its own words',
		({ type, settings, claims, optionalClaims }) => {
			const parsed = issuerSettings.parse({ type: type.name, ...settings });
			for (const name of Object.keys(claims).filter((claim) => !optionalClaims.includes(claim))) {
				const { [name]: _left, ...rest } = claims;
				expect(() => identify({ settings: parsed, claims: rest }), name).toThrow(
					/^(claim-missing|email-not-verified): /,
				);
			}
		},
	);

	it.each(EXAMPLES)('$type.name certifies $name without the claims that it does not need', (example) => {
		const settings = issuerSettings.parse({ type: example.type.name, ...example.settings });
		const kept = Object.entries(example.claims).filter(([name]) => !example.optionalClaims.includes(name));
		const { subject } = identify({ settings, claims: Object.fromEntries(kept) });
		expect(subject).toEqual(example.expect.subject);
	});

	it('has its row in the README', () => {
		const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
		const section = readme.split('## Issuers\n')[1]?.split('\n## ')[0] ?? '';
		const table = section.split('\n').filter((line) => line.startsWith('| `'));
		const cells = (line: string) => line.split('|').map((cell) => cell.trim());
		const wanted = ISSUER_TYPES.map(
			(type) => `| \`${type.name}\` | ${type.certifiedName} | \`${type.challengeClaim}\` |`,
		);
		expect(table.map(cells), `README.md must have these rows:\n${wanted.join('\n')}`).toEqual(wanted.map(cells));
	});

	it.each(ISSUER_TYPES)('$name refuses settings it does not know', ({ name, examples }) => {
		const parsed = issuerSettings.safeParse({ type: name, ...examples[0]!.settings, clientId: 'sigstore' });
		expect(parsed.error?.issues).toEqual([expect.objectContaining({ code: 'unrecognized_keys', keys: ['clientId'] })]);
	});

	it.each(EXAMPLES)('$type.name certifies the upstream that a broker names, for $name too', (example) => {
		const issuerClaim = '$.federated_claims.connector_id';
		const settings = issuerSettings.parse({ type: example.type.name, ...example.settings, issuerClaim });
		const claims = { ...example.claims, federated_claims: { connector_id: 'https://up.example' } };
		const { subject, issuer, extensions } = identify({ settings, claims });
		expect({ subject, issuer }).toEqual({ subject: example.expect.subject, issuer: 'https://up.example' });
		expect(extensions).toMatchObject({ issuer: 'https://up.example', issuerV2: 'https://up.example' });
		const { federated_claims: _broker, ...without } = claims;
		expect(() => identify({ settings, claims: without })).toThrow('claim-missing');
	});
});

describe('the settings of an issuer', () => {
	it.each([
		{ name: 'an unknown type', settings: { type: 'ldap', issuer: 'https://a.example' } },
		{ name: 'no URL', settings: { type: 'email', issuer: 'a.example' } },
		{ name: 'a file', settings: { type: 'email', issuer: 'file:///etc/passwd' } },
		{ name: 'an empty audience', settings: { type: 'email', issuer: 'https://a.example', audience: '' } },
		{
			name: 'a rule without values',
			settings: { type: 'email', issuer: 'https://a.example', rules: [{ claim: 'a', anyOf: [] }] },
		},
		{ name: 'a claim path that is none', settings: { type: 'email', issuer: 'https://a.example', issuerClaim: 'iss' } },
		{ name: 'no trust domain', settings: { type: 'spiffe', issuer: 'https://a.example' } },
		{
			name: 'a trust domain that is a SPIFFE ID',
			settings: { type: 'spiffe', issuer: 'https://a.example', spiffeTrustDomain: 'spiffe://prod.example' },
		},
		{
			name: 'a trust domain in capitals',
			settings: { type: 'spiffe', issuer: 'https://a.example', spiffeTrustDomain: 'Prod.example' },
		},
		{
			name: 'a base URL with a slash',
			settings: { type: 'github-actions', issuer: 'https://a.example', url: 'https://ghe.example/' },
		},
	])('are refused with $name', ({ settings }) => {
		expect(issuerSettings.safeParse(settings).success).toBe(false);
	});

	it('let a broker name the upstream provider only when it names one', () => {
		const settings = issuerSettings.parse({ type: 'email', issuer: 'https://b.example', issuerClaim: '$.a.b' });
		const claims = { sub: 's', email: 'a@b.example', email_verified: true };
		expect(() => identify({ settings, claims: { ...claims, a: 'text' } })).toThrow('claim-missing');
		expect(() => identify({ settings, claims: { ...claims, a: { b: 7 } } })).toThrow('claim-missing');
		expect(() => identify({ settings, claims: { ...claims, a: Object.create({ b: 'inherited' }) } })).toThrow(
			'claim-missing',
		);
		expect(identify({ settings, claims: { ...claims, a: { b: 'https://up.example' } } }).issuer).toBe(
			'https://up.example',
		);
	});

	it('put a GitHub Enterprise server into every name', () => {
		const settings = issuerSettings.parse({
			type: 'github-actions',
			issuer: 'https://ghe.example/_services/token',
			url: 'https://ghe.example',
		});
		const { claims } = ISSUER_TYPES.find(({ name }) => name === 'github-actions')!.examples[0]!;
		const identity = identify({ settings, claims });
		expect(JSON.stringify(identity)).not.toContain('https://github.com');
		expect(identity.subject.value).toMatch(/^https:\/\/ghe\.example\/octo-org\//);
	});

	it('may skip the verification of addresses', () => {
		const settings = issuerSettings.parse({ type: 'email', issuer: 'https://b.example', skipEmailVerification: true });
		expect(identify({ settings, claims: { sub: 's', email: 'a@b.example' } }).subject.value).toBe('a@b.example');
	});
});

describe('e-mail addresses', () => {
	const settings = issuerSettings.parse({ type: 'email', issuer: 'https://b.example' });
	const certified = (email: string) =>
		identify({ settings, claims: { sub: 's', email, email_verified: true } }).subject.value;

	it.each(['a@b.c', 'first.last+tag@sub.example.com', "o'brien@example.com", `${'a'.repeat(64)}@example.com`])(
		'%s is certified as it is',
		(email) => {
			expect(certified(email)).toBe(email);
		},
	);

	it.each([
		'a@b',
		'a@localhost',
		'a@192.0.2.1',
		'plain',
		'@example.com',
		'a@',
		'a b@example.com',
		'a@exam ple.com',
		'a..b@example.com',
		'.a@example.com',
		'"a"@example.com',
		'a@[127.0.0.1]',
		'a@-example.com',
		'a@example..com',
		'a@example.com\n',
		'A <a@example.com>',
		'a@example.com,b@example.com',
		`${'a'.repeat(65)}@example.com`,
		`a@${'b.'.repeat(130)}com`,
		'm\u00fcller@example.com',
	])('%j is refused', (email) => {
		expect(() => certified(email)).toThrow('claim-malformed');
	});
});
