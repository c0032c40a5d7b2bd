import { describe, expect, it } from 'vitest';
import { emailName, ipName, issuerV1, issuerV2, otherName, subjectAltName, uriName } from '../test/certificates.ts';
import { EMAIL, ISSUER, IssuingAuthority } from '../test/issuing-authority.ts';
import { makeKey } from '../test/keys.ts';
import { expectRefusal, refusalOf } from '../test/refusals.ts';
import type { Matcher, Policy } from './policy.ts';

const authority = new IssuingAuthority();
const policyOf = (subject: Matcher, issuer: Matcher = { exactly: ISSUER }): Policy => ({
	kind: 'identities',
	anyOf: [{ subject, issuer }],
});

async function identify(name: Uint8Array, policy: Policy, issuers: readonly Uint8Array[] = [issuerV2(ISSUER)]) {
	const bundle = await authority.sign({
		leaf: (leaf) => ({ ...leaf, extensions: [...leaf.extensions.slice(0, 2), subjectAltName(name), ...issuers] }),
	});
	return (await authority.verify(bundle, { policy })).identity;
}

describe('an exact identity', () => {
	it('is the whole name and the whole issuer', async () => {
		expect(await identify(emailName(EMAIL), policyOf({ exactly: EMAIL }))).toEqual({ subject: EMAIL, issuer: ISSUER });
	});

	it.each([
		['another case', EMAIL.toUpperCase(), ISSUER],
		['a prefix', 'alice@corp', ISSUER],
		['a longer name', `${EMAIL}.evil.example`, ISSUER],
		['no name', '', ISSUER],
		['another issuer', EMAIL, `${ISSUER}/`],
		['no issuer', EMAIL, ''],
	])('is not %s', async (_what, subject, issuer) => {
		const policy = policyOf({ exactly: subject }, { exactly: issuer });
		await expectRefusal(identify(emailName(EMAIL), policy), 'identity-mismatch');
	});

	it('is no pattern', async () => {
		await expectRefusal(identify(emailName(EMAIL), policyOf({ exactly: '.*' })), 'identity-mismatch');
		expect(await identify(emailName('.*'), policyOf({ exactly: '.*' }))).toMatchObject({ subject: '.*' });
	});
});

describe('a pattern', () => {
	it.each([
		[/alice@corp\.example/, EMAIL, true],
		[/alice@corp\.example/, `evil-${EMAIL}`, false],
		[/alice@corp\.example/, `${EMAIL}.evil.example`, false],
		[/alice@corp\.example|bob@corp\.example/, 'bob@corp.example', true],
		[/alice@corp\.example|bob@corp\.example/, 'evil-bob@corp.example', false],
		[/alice@corp\.example|bob@corp\.example/, `${EMAIL}.evil.example`, false],
		[/a|alice@corp\.example/, 'a.evil@evil.example', false],
		[/|x/, EMAIL, false],
		[/.*@corp\.example/, EMAIL, true],
		[/.*@corp\.example/, `x\n${EMAIL}`, false],
		[/^alice@corp\.example$/, EMAIL, true],
		[/^alice@corp\.example$/, `${EMAIL}\n`, false],
		[/^alice@corp\.example$/m, `evil@evil.example\n${EMAIL}`, false],
		[/alice@corp\.example/m, `evil@evil.example\n${EMAIL}`, false],
		[/alice@corp\.example/m, `${EMAIL}\nevil@evil.example`, false],
		[/(?m:^alice@corp\.example$)/, `evil@evil.example\n${EMAIL}`, false],
		[/ALICE@corp\.example/i, EMAIL, true],
		[/ALICE@corp\.example/, EMAIL, false],
		[/(alice)@corp\.example\1?/, EMAIL, true],
		[/[a-z]+@corp\.example/u, EMAIL, true],
		[/[a-z]+@corp\.example/v, EMAIL, true],
	])('%s against %j: %s', async (matching, name, isMatch) => {
		const attempt = identify(emailName(name), policyOf({ matching }));
		if (isMatch) expect(await attempt).toMatchObject({ subject: name });
		else await expectRefusal(attempt, 'identity-mismatch');
	});

	it.each(['g', 'y', 'gy'])('with flag %s has no memory: the second use is like the first', async (flags) => {
		const policy = policyOf({ matching: new RegExp('alice@corp\\.example', flags) });
		for (let i = 0; i < 3; i++) expect(await identify(emailName(EMAIL), policy)).toMatchObject({ subject: EMAIL });
	});

	it('holds for issuers as well', async () => {
		const policy = policyOf({ exactly: EMAIL }, { matching: /https:\/\/idp\.corp\.example/ });
		expect(await identify(emailName(EMAIL), policy)).toMatchObject({ issuer: ISSUER });
		const evil = [issuerV2(`${ISSUER}.evil.example`)];
		await expectRefusal(identify(emailName(EMAIL), policy, evil), 'identity-mismatch');
	});
});

describe('several identities', () => {
	const anyOf = [
		{ subject: { exactly: EMAIL }, issuer: { exactly: 'https://other' } },
		{ subject: { exactly: 'bob@corp.example' }, issuer: { exactly: ISSUER } },
		{ subject: { matching: /https:\/\/ci\.example\/.*/ }, issuer: { exactly: ISSUER } },
	] as const;
	const policy: Policy = { kind: 'identities', anyOf };

	it('accept each of themselves', async () => {
		expect(await identify(emailName('bob@corp.example'), policy)).toMatchObject({ subject: 'bob@corp.example' });
		expect(await identify(uriName('https://ci.example/x'), policy)).toMatchObject({ subject: 'https://ci.example/x' });
	});

	it('are not mixed: the subject of one with the issuer of another', async () => {
		const error = await refusalOf(identify(emailName(EMAIL), policy));
		expect(error.code).toBe('identity-mismatch');
		expect(error.found).toBe(`${EMAIL} from ${ISSUER}`);
		expect(error.expected).toContain('bob@corp.example from https://idp.corp.example');
	});
});

describe('the name in the certificate', () => {
	it('may be a user name, which is an otherName of its own type', async () => {
		const name = otherName('1.3.6.1.4.1.57264.1.7', 'alice!corp.example');
		expect(await identify(name, policyOf({ exactly: 'alice!corp.example' }))).toMatchObject({ issuer: ISSUER });
	});

	it('is no otherName of another type, and no address of a machine', async () => {
		const upn = otherName('1.3.6.1.4.1.311.20.2.3', EMAIL);
		await expectRefusal(identify(upn, policyOf({ exactly: EMAIL })), 'identity-mismatch', /found no name/);
		const anybody = policyOf({ matching: /.*/ });
		await expectRefusal(identify(ipName(192, 0, 2, 1), anybody), 'identity-mismatch', /found no name/);
	});

	it('comes from the issuer in its new form, or in the old one alone', async () => {
		expect(await identify(emailName(EMAIL), policyOf({ exactly: EMAIL }), [issuerV1(ISSUER)])).toMatchObject({
			issuer: ISSUER,
		});
		const both = [issuerV1(ISSUER), issuerV2(ISSUER)];
		expect(await identify(emailName(EMAIL), policyOf({ exactly: EMAIL }), both)).toMatchObject({ issuer: ISSUER });
	});

	it('is not printed with what would steer a terminal', async () => {
		const error = await refusalOf(
			identify(emailName(`\u001b[2Jalice${'x'.repeat(5000)}`), policyOf({ exactly: EMAIL })),
		);
		expect(error.message).not.toMatch(/(?!\n)\p{Cc}/u);
		expect(error.message.length).toBeLessThan(1500);
	});
});

describe('a policy of keys', () => {
	it('refuses every certificate, and a policy of identities every bare key', async () => {
		const key = makeKey();
		const withCertificate = await authority.sign({ key });
		const policy: Policy = { kind: 'key', publicKey: key.spki };
		await expectRefusal(authority.verify(withCertificate, { policy }), 'key-mismatch', /with a certificate/);
		const withKey = await authority.sign({ key, hint: '\u001b[2J' });
		const error = await refusalOf(authority.verify(withKey));
		expect(error.code).toBe('key-mismatch');
		expect(error.message).not.toContain('\u001b');
	});

	it('refuses a key that is no key', async () => {
		const bundle = await authority.sign({ hint: '' });
		const policy: Policy = { kind: 'key', publicKey: Uint8Array.of(1, 2, 3) };
		await expectRefusal(authority.verify(bundle, { policy }), 'certificate-invalid', /public key/);
	});

	it('still wants a log entry and a time', async () => {
		const key = makeKey();
		const policy: Policy = { kind: 'key', publicKey: key.spki };
		const untimed = await authority.sign({ key, hint: 'a', timestamp: null });
		await expectRefusal(authority.verify(untimed, { policy }), 'timestamp-missing');
		const unlogged = await authority.sign({ key, hint: 'a' });
		unlogged.verificationMaterial.tlogEntries = [];
		await expectRefusal(authority.verify(unlogged, { policy }), 'log-entry-missing');
	});
});
