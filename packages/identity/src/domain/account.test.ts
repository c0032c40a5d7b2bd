import { describe, expect, it } from 'vitest';
import { accountOf, believedAccount, claimsOf, subjectOf } from './account.ts';

describe('a subject', () => {
	it('is the one that Dex makes', () => {
		// Field 1: user id, field 2: connector id, as protobuf writes them.
		const bytes = [0x0a, 7, ...Buffer.from('2342749'), 0x12, 6, ...Buffer.from('github')];
		expect(subjectOf('2342749', 'github')).toBe('CgcyMzQyNzQ5EgZnaXRodWI');
		expect(subjectOf('2342749', 'github')).toBe(Buffer.from(bytes).toString('base64url'));
	});

	it('writes long fields with a length of several bytes', () => {
		const long = 'x'.repeat(300);
		const bytes = Buffer.from(subjectOf(long, 'c'), 'base64url');
		expect([...bytes.subarray(0, 3)]).toEqual([0x0a, 0xac, 0x02]);
		expect(bytes.subarray(3, 303).toString()).toBe(long);
	});

	it('keeps apart what only looks alike', () => {
		const pairs: [string, string][] = [
			['a', 'bc'],
			['ab', 'c'],
			['abc', ''],
			['alice@example.com', 'https://one.example'],
			['alice@example.com', 'https://two.example'],
		];
		expect(new Set(pairs.map(([user, connector]) => subjectOf(user, connector))).size).toBe(pairs.length);
	});
});

describe('an account', () => {
	it('says in its tokens who vouched for it', () => {
		const account = accountOf({
			connectorId: 'https://github.com/login/oauth',
			userId: '42',
			email: 'a@example.com',
			emailVerified: false,
		});
		expect(claimsOf(account)).toEqual({
			sub: subjectOf('42', 'https://github.com/login/oauth'),
			email: 'a@example.com',
			email_verified: false,
			federated_claims: { connector_id: 'https://github.com/login/oauth', user_id: '42' },
		});
	});

	it('that is merely believed is vouched for by the issuer', () => {
		expect(believedAccount('http://id.example/auth', 'a@example.com')).toMatchObject({
			connectorId: 'http://id.example/auth',
			userId: 'a@example.com',
			emailVerified: true,
		});
	});
});
