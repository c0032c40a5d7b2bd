import { derNull, derOid, derSequence } from '@chancery/core/der';
import { generateSigner } from '@chancery/keys/generate';
import { beforeAll, describe, expect, it } from 'vitest';
import {
	CODE_SIGNING,
	certificate,
	extension,
	IS_CA,
	leafPlan,
	makeAuthority,
	makePrecertificate,
	POISON,
	type TestAuthority,
} from '../../test/certificates.ts';
import { checkLinks, checkSelfSigned, completeChain, parseChain } from './chain.ts';
import { checkEntryType } from './log-entry.ts';

let authority: TestAuthority;
let other: TestAuthority;
beforeAll(async () => {
	authority = await makeAuthority('ours');
	other = await makeAuthority('theirs');
});

const outcome = (work: () => unknown): unknown => {
	try {
		return work();
	} catch (error) {
		const { code, name, message } = error as Error & { code?: string };
		return `${code ?? name}: ${message}`;
	}
};

describe('completeChain', () => {
	const lengthOf = (ders: Uint8Array[], roots: Uint8Array[]) =>
		outcome(() => completeChain(parseChain(ders), parseChain(roots))?.length);

	it('accepts a chain with its root, and appends a root that was left out', async () => {
		const { der } = await makePrecertificate(authority);
		expect(lengthOf([der, authority.issuing, authority.root], [other.root, authority.root])).toBe(3);
		expect(lengthOf([der, authority.issuing], [other.root, authority.root])).toBe(3);
		expect(lengthOf([authority.root], [authority.root])).toBe(1);
	});

	it('accepts dates of any kind and unknown critical extensions', async () => {
		const odd = extension('1.2.3.4', true, derNull());
		const leaf = await certificate({ ...leafPlan(authority, [odd]), notBefore: new Date('2001-01-01') });
		expect(lengthOf([leaf, authority.issuing], [authority.root])).toBe(3);
	});

	it.each(['ed25519', 'ecdsa-sha2-256-nistp256', 'ecdsa-sha2-384-nistp384'] as const)(
		'verifies signatures of %s',
		async (algorithm) => {
			const made = await makeAuthority('made', algorithm);
			const { der } = await makePrecertificate(made);
			expect(lengthOf([der, made.issuing], [made.root])).toBe(3);
		},
	);

	it('answers nothing for a chain that leads to no accepted root', async () => {
		const { der } = await makePrecertificate(authority);
		expect(lengthOf([der, authority.issuing, authority.root], [other.root])).toBeUndefined();
		expect(lengthOf([der, authority.issuing], [])).toBeUndefined();
		expect(lengthOf([], [authority.root])).toBeUndefined();
	});

	it('refuses certificates in another order, left out, or of another authority', async () => {
		const { der } = await makePrecertificate(authority);
		const roots = [authority.root, other.root];
		expect(lengthOf([der, authority.root], roots)).toMatch(
			/untrusted-chain: .*chain\[0\] was not issued by chain\[1\]/,
		);
		expect(lengthOf([authority.issuing, der], roots)).toMatch(/untrusted-chain/);
		expect(lengthOf([der, other.issuing, other.root], roots)).toMatch(/untrusted-chain/);
		expect(lengthOf([der, authority.issuing, other.root], roots)).toMatch(/chain\[1\] was not issued by chain\[2\]/);
	});

	it('refuses an issuer of the right name with another key', async () => {
		const impostor = await makeAuthority('ours');
		const { der } = await makePrecertificate(impostor);
		expect(lengthOf([der, authority.issuing], [authority.root])).toMatch(/the signature does not verify/);
	});

	it('refuses what a certificate issued that is no CA', async () => {
		const key = generateSigner('ecdsa-sha2-256-nistp256');
		const holder = await certificate({
			...leafPlan(authority, [CODE_SIGNING]),
			subject: 'holder',
			publicKey: key.publicKey,
		});
		const below = await certificate({ ...leafPlan(authority, []), issuer: 'holder', signer: key });
		expect(lengthOf([below, holder, authority.issuing], [authority.root])).toMatch(/CN=holder is not a CA/);
	});

	it('refuses an algorithm that is unknown or belongs to another kind of key', async () => {
		const unknown = await certificate({ ...leafPlan(authority, []), algorithm: derSequence(derOid('1.2.3')) });
		expect(lengthOf([unknown, authority.issuing], [authority.root])).toMatch(/1\.2\.3 is not known/);
		const rsa = derSequence(derOid('1.2.840.113549.1.1.11'), derNull());
		const mixed = await certificate({ ...leafPlan(authority, []), algorithm: rsa });
		expect(lengthOf([mixed, authority.issuing], [authority.root])).toMatch(/a key of type rsa, the issuer has ec/);
	});

	it('refuses every change of one byte in the certificate', async () => {
		const { der } = await makePrecertificate(authority);
		const roots = parseChain([authority.root]);
		for (let at = 0; at < der.length; at++) {
			const mangled = der.slice();
			mangled[at]! ^= 0x01;
			const result = outcome(() => completeChain(parseChain([mangled, authority.issuing]), roots)?.length);
			expect(String(result), `byte ${at}`).toMatch(/^(malformed-certificate|untrusted-chain|FormatError)/);
		}
	});
});

describe('checkSelfSigned and checkLinks', () => {
	it('tell a root from an intermediate', () => {
		const [issuing, root] = parseChain([authority.issuing, authority.root]);
		expect(outcome(() => checkSelfSigned(root!))).toBeUndefined();
		expect(outcome(() => checkSelfSigned(issuing!))).toMatch(/is not a root/);
		expect(outcome(() => checkLinks([issuing!, root!]))).toBeUndefined();
	});

	it('does not take a certificate that names itself but is signed by another key', async () => {
		const signer = generateSigner('ecdsa-sha2-256-nistp256');
		const plan = { issuer: 'x', subject: 'x', signer, extensions: [IS_CA] };
		const [fake] = parseChain([await certificate({ ...plan, publicKey: other.issuingSigner.publicKey })]);
		expect(outcome(() => checkSelfSigned(fake!))).toMatch(/does not verify/);
	});
});

describe('checkEntryType', () => {
	const rows = [
		{ name: 'poison as it should be', extensions: [CODE_SIGNING, POISON], x509: /^wrong-endpoint/, precert: undefined },
		{ name: 'no poison', extensions: [CODE_SIGNING], x509: undefined, precert: /^wrong-endpoint/ },
		{
			name: 'poison that is not critical',
			extensions: [extension('1.3.6.1.4.1.11129.2.4.3', false, derNull())],
			x509: /^wrong-endpoint/,
			precert: /^malformed-poison/,
		},
		{
			name: 'poison with another value',
			extensions: [extension('1.3.6.1.4.1.11129.2.4.3', true, Uint8Array.of(5, 1, 0))],
			x509: /^wrong-endpoint/,
			precert: /^malformed-poison/,
		},
		{
			name: 'poison with bytes behind it',
			extensions: [extension('1.3.6.1.4.1.11129.2.4.3', true, Uint8Array.of(5, 0, 0))],
			x509: /^wrong-endpoint/,
			precert: /^malformed-poison/,
		},
	];
	it.each(rows)('decides on $name', async ({ extensions, x509, precert }) => {
		const [leaf] = parseChain([await certificate(leafPlan(authority, extensions))]);
		for (const [type, expected] of [
			['x509', x509],
			['precert', precert],
		] as const) {
			const result = outcome(() => checkEntryType(type, leaf!));
			if (expected === undefined) expect(result).toBeUndefined();
			else expect(result).toMatch(expected);
		}
	});

	it('refuses two poison extensions as malformed', async () => {
		const der = await certificate(leafPlan(authority, [POISON, POISON]));
		expect(outcome(() => parseChain([der]))).toMatch(/^malformed-certificate: .*twice/);
	});
});
