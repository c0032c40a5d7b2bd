/** Which chains lead to an accepted root, and which keys are used to find out. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { DomainError } from '@chancery/chassis/domain-error';
import { toHex } from '@chancery/core/bytes';
import { derBitString, derInteger, derNull, derOid, derSequence } from '@chancery/core/der';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import { generateSigner } from '@chancery/keys/file/generate';
import { verifySignature } from '@chancery/keys/verify-signature';
import { extension } from '@chancery/testkit/certificate';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
	CODE_SIGNING,
	certificate,
	IS_CA,
	leafPlan,
	makeAuthority,
	makePrecertificate,
	type TestAuthority,
} from '../../test/certificates.ts';
import { parseChain } from './chain.ts';
import { completeChain } from './complete-chain.ts';
import { MAX_ROOTS_OF_ONE_NAME, RootSet } from './root-set.ts';

let authority: TestAuthority;
let other: TestAuthority;
beforeAll(async () => {
	authority = await makeAuthority('ours');
	other = await makeAuthority('theirs');
});

/** SPKIs, in hexadecimal, under which something was verified. */
let used: string[] = [];
beforeEach(() => {
	used = [];
});
const check: CheckSignature = async (one) => {
	if (!('key' in one) || !('message' in one.over)) throw new Error('a chain is checked over messages');
	used.push(toHex(one.key.spki));
	return verifySignature({
		publicKey: one.key.spki,
		message: one.over.message,
		signature: one.signature,
		hash: one.hash,
	});
};

/** How many certificates the completed chain has, or why there is none. */
async function lengthOf(ders: Uint8Array[], roots: Uint8Array[]): Promise<number | string> {
	try {
		return (await completeChain(new RootSet(parseChain(roots)), parseChain(ders), 0, check)).length;
	} catch (error) {
		const { code, name, message } = error as DomainError;
		return `${code ?? name}: ${message}`;
	}
}

describe('completeChain', () => {
	it('accepts a chain with its root, and appends a root that was left out', async () => {
		const { der } = await makePrecertificate(authority);
		expect(await lengthOf([der, authority.issuing, authority.root], [other.root, authority.root])).toBe(3);
		expect(await lengthOf([der, authority.issuing], [other.root, authority.root])).toBe(3);
		expect(await lengthOf([authority.root], [authority.root])).toBe(1);
	});

	it('accepts dates of any kind and unknown critical extensions', async () => {
		const odd = extension('1.2.3.4', derNull(), true);
		const leaf = await certificate({ ...leafPlan(authority, [odd]), notBefore: new Date('2001-01-01') });
		expect(await lengthOf([leaf, authority.issuing], [authority.root])).toBe(3);
	});

	it.each(['ed25519', 'ecdsa-sha2-256-nistp256', 'ecdsa-sha2-384-nistp384'] as const)(
		'verifies signatures of %s',
		async (algorithm) => {
			const made = await makeAuthority('made', algorithm);
			const { der } = await makePrecertificate(made);
			expect(await lengthOf([der, made.issuing], [made.root])).toBe(3);
		},
	);

	it('refuses a chain that leads to no accepted root', async () => {
		const { der } = await makePrecertificate(authority);
		expect(await lengthOf([der, authority.issuing, authority.root], [other.root])).toMatch(/untrusted-chain/);
		expect(await lengthOf([der, authority.issuing], [])).toMatch(/untrusted-chain/);
		expect(await lengthOf([], [authority.root])).toMatch(/untrusted-chain/);
	});

	it('refuses certificates in another order, left out, or of another authority', async () => {
		const { der } = await makePrecertificate(authority);
		const roots = [authority.root, other.root];
		expect(await lengthOf([der, authority.root], roots)).toMatch(
			/untrusted-chain: .*chain\[0\] was not issued by chain\[1\]/,
		);
		expect(await lengthOf([authority.issuing, der], roots)).toMatch(/untrusted-chain/);
		expect(await lengthOf([der, other.issuing, other.root], roots)).toMatch(/untrusted-chain/);
		expect(await lengthOf([der, authority.issuing, other.root], roots)).toMatch(
			/chain\[1\] was not issued by chain\[2\]/,
		);
	});

	it('refuses an issuer of the right name with another key', async () => {
		const impostor = await makeAuthority('ours');
		const { der } = await makePrecertificate(impostor);
		expect(await lengthOf([der, authority.issuing], [authority.root])).toMatch(/the signature does not verify/);
	});

	it('refuses what a certificate issued that is no CA', async () => {
		const key = generateSigner('ecdsa-sha2-256-nistp256');
		const holder = await certificate({
			...leafPlan(authority, [CODE_SIGNING]),
			subject: 'holder',
			publicKey: key.publicKey,
		});
		const below = await certificate({ ...leafPlan(authority, []), issuer: 'holder', signer: key });
		expect(await lengthOf([below, holder, authority.issuing], [authority.root])).toMatch(/CN=holder is not a CA/);
	});

	it('refuses an algorithm that is unknown or belongs to another kind of key', async () => {
		const unknown = await certificate({ ...leafPlan(authority, []), algorithm: derSequence(derOid('1.2.3')) });
		expect(await lengthOf([unknown, authority.issuing], [authority.root])).toMatch(/1\.2\.3 is not known/);
		const rsa = derSequence(derOid('1.2.840.113549.1.1.11'), derNull());
		const mixed = await certificate({ ...leafPlan(authority, []), algorithm: rsa });
		expect(await lengthOf([mixed, authority.issuing], [authority.root])).toMatch(
			/a key of type rsa, the issuer has ec/,
		);
	});

	it('refuses every change of one byte in the certificate', async () => {
		const { der } = await makePrecertificate(authority);
		for (let at = 0; at < der.length; at++) {
			const mangled = der.slice();
			mangled[at]! ^= 0x01;
			const result = await lengthOf([mangled, authority.issuing], [authority.root]);
			expect(String(result), `byte ${at}`).toMatch(/^(malformed-certificate|untrusted-chain|malformed: )/);
		}
	});
});

describe('the keys that are used', () => {
	const keyOf = (signer: { publicKey: Uint8Array }) => toHex(signer.publicKey);

	it('are those of the root, then of each certificate below it, from the root down', async () => {
		const { der } = await makePrecertificate(authority);
		const expected = [keyOf(authority.rootSigner), keyOf(authority.issuingSigner)];
		expect(await lengthOf([der, authority.issuing], [other.root, authority.root])).toBe(3);
		expect(used).toEqual(expected);
		used = [];
		expect(await lengthOf([der, authority.issuing, authority.root], [authority.root])).toBe(3);
		expect(used).toEqual(expected);
	});

	it('are none for a chain of strangers, however long and well made it is', async () => {
		const { der } = await makePrecertificate(other);
		expect(await lengthOf([der, other.issuing, other.root], [authority.root])).toMatch(/^untrusted-chain/);
		expect(await lengthOf([der, other.issuing], [authority.root])).toMatch(/^untrusted-chain/);
		const links = Array.from({ length: 9 }, () => other.root);
		expect(await lengthOf([der, other.issuing, ...links.slice(2)], [authority.root])).toMatch(/^untrusted-chain/);
		expect(used).toEqual([]);
	});

	it('are ours alone for a chain that claims a root of ours, in either spelling', async () => {
		const impostor = await makeAuthority('ours');
		const { der } = await makePrecertificate(impostor);
		for (const chain of [
			[der, impostor.issuing],
			[der, impostor.issuing, authority.root],
		])
			expect(await lengthOf(chain, [authority.root])).toMatch(/^untrusted-chain/);
		expect(used).toEqual([keyOf(authority.rootSigner), keyOf(authority.rootSigner)]);
	});

	it('are not those below the first link that does not hold', async () => {
		const impostor = await makeAuthority('ours');
		const below = await certificate({ ...leafPlan(impostor, [IS_CA]), subject: 'below' });
		const leaf = await certificate({ ...leafPlan(impostor, []), issuer: 'below' });
		expect(await lengthOf([leaf, below, authority.issuing], [authority.root])).toMatch(
			/chain\[1\] was not issued by chain\[2\]: the signature does not verify/,
		);
		expect(used).toEqual([keyOf(authority.rootSigner), keyOf(authority.issuingSigner)]);
	});

	it('are never more than a few, also when many roots have the name that a chain asks for', async () => {
		const namesakes = await Promise.all(Array.from({ length: 3 * MAX_ROOTS_OF_ONE_NAME }, () => makeAuthority('ours')));
		const { der } = await makePrecertificate(authority);
		const roots = namesakes.map(({ root }) => root);
		expect(await lengthOf([der, authority.issuing], roots)).toMatch(/^untrusted-chain/);
		expect(used).toHaveLength(MAX_ROOTS_OF_ONE_NAME);
		expect(await lengthOf([der, authority.issuing], [roots[0]!, roots[1]!, authority.root])).toBe(3);
	});

	it('are none that nobody should use: an exponent as long as its modulus, too small a modulus', async () => {
		const rsa = (bits: bigint, exponent: bigint) =>
			derSequence(
				derSequence(derOid('1.2.840.113549.1.1.1'), derNull()),
				derBitString(derSequence(derInteger(2n ** (bits - 1n) + 1n), derInteger(exponent))),
			);
		const algorithm = derSequence(derOid('1.2.840.113549.1.1.11'), derNull());
		const issuer = { issuer: 'odd', subject: 'odd', signer: generateSigner('ed25519'), extensions: [IS_CA] };
		const leaf = await certificate({ ...leafPlan(authority, []), issuer: 'odd', algorithm });
		const wide = await certificate({ ...issuer, publicKey: rsa(3072n, 2n ** 3070n + 1n) });
		// Even as an accepted root.
		expect(await lengthOf([leaf], [wide])).toMatch(/^untrusted-chain/);
		expect(await lengthOf([leaf, wide], [wide])).toMatch(/a key of type rsa, the issuer has one that is not read here/);
		expect(used).toEqual([]);
		const small = await certificate({ ...issuer, publicKey: rsa(1024n, 65537n) });
		expect(await lengthOf([leaf, small], [small])).toMatch(/the signature does not verify/);
	});

	it.each([
		['secp256k1', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' })],
		['a curve over a binary field', () => generateKeyPairSync('ec', { namedCurve: 'sect571r1' })],
		['DSA', () => generateKeyPairSync('dsa', { modulusLength: 2048, divisorLength: 256 })],
		['Ed448', () => generateKeyPairSync('ed448')],
		['RSA-PSS', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 })],
		[
			'parameters instead of the name of a curve',
			() => generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }),
		],
	] as [string, () => { publicKey: KeyObject }][])('are never of a kind that is not read here: %s', async (_, make) => {
		const publicKey = new Uint8Array(make().publicKey.export({ type: 'spki', format: 'der' }));
		const root = await certificate({
			issuer: 'odd',
			subject: 'odd',
			signer: generateSigner('ed25519'),
			extensions: [IS_CA],
			publicKey,
		});
		const leaf = await certificate({ ...leafPlan(authority, []), issuer: 'odd' });
		expect(await lengthOf([leaf, root], [root])).toMatch(/the issuer has one that is not read here/);
		expect(used).toEqual([]);
	});
});
