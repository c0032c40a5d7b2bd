import { toBase64 } from '@chancery/core/bytes';
import { parseCertificate } from '@chancery/core/certificate';
import { basicConstraints, extension, keyUsage } from '@chancery/testkit/certificate';
import { describe, expect, it } from 'vitest';
import { type CertificateRecipe, issueCertificate } from '../test/certificates.ts';
import { testCrypto } from '../test/crypto-port.ts';
import { copyOf, IssuingAuthority, minutes, SIGNED_AT } from '../test/issuing-authority.ts';
import { makeKey } from '../test/keys.ts';
import { expectRefusal } from '../test/refusals.ts';
import { pathProblem } from './certificate-path.ts';

const authority = new IssuingAuthority();
const [rootKey, middleKey, issuingKey, leafKey] = [makeKey('p384'), makeKey('p521'), makeKey(), makeKey()];
const [dayBefore, dayAfter] = [minutes(-1440), minutes(1440)];

interface Changes {
	readonly root?: Partial<CertificateRecipe>;
	readonly middle?: Partial<CertificateRecipe>;
	readonly issuing?: Partial<CertificateRecipe>;
	readonly leaf?: Partial<CertificateRecipe>;
}

/** Why a path of leaf, two intermediates and root fails, or undefined. */
async function problem({ root, middle, issuing, leaf }: Changes, time: Date = SIGNED_AT): Promise<string | undefined> {
	const ca = { notBefore: dayBefore, notAfter: dayAfter, extensions: [basicConstraints(true), keyUsage(5)] };
	const name = (subject: string, issuer: string) => ({ subject, issuer });
	const [end, ...above] = [
		{
			...ca,
			...name('leaf', 'issuing'),
			publicKey: leafKey.spki,
			signer: issuingKey,
			extensions: [keyUsage(0)],
			...leaf,
		},
		{ ...ca, ...name('issuing', 'middle'), publicKey: issuingKey.spki, signer: middleKey, ...issuing },
		{ ...ca, ...name('middle', 'root'), publicKey: middleKey.spki, signer: rootKey, ...middle },
		{ ...ca, ...name('root', 'root'), publicKey: rootKey.spki, signer: rootKey, ...root },
	].map((recipe) => parseCertificate(issueCertificate(recipe)));
	return pathProblem(end!, above, time, testCrypto);
}

const critical = extension('1.2.3.4', Uint8Array.of(5, 0), true);
const CA = [basicConstraints(true), keyUsage(5)];

describe('a certificate path', () => {
	it('over several curves and two intermediates is good', async () => {
		expect(await problem({})).toBeUndefined();
	});

	it.each([
		[
			'a path length that is just enough',
			{
				root: { extensions: [basicConstraints(true, 2)] },
				middle: { extensions: [basicConstraints(true, 1)] },
				issuing: { extensions: [basicConstraints(true, 0)] },
			},
		],
		['an issuer without key usage', { issuing: { extensions: [basicConstraints(true)] } }],
		[
			'an unknown extension that is not critical',
			{ issuing: { extensions: [...CA, extension('1.2.3.4', Uint8Array.of(5, 0))] } },
		],
	] satisfies [string, Changes][])('with %s is good', async (_what, changes) => {
		expect(await problem(changes)).toBeUndefined();
	});

	it.each([
		[
			"a path length of the issuing CA's issuer that is too short",
			{ middle: { extensions: [basicConstraints(true, 0)] } },
			'longer',
		],
		['a path length of the root that is too short', { root: { extensions: [basicConstraints(true, 1)] } }, 'longer'],
		['an issuer without basic constraints', { issuing: { extensions: [keyUsage(5)] } }, 'not a CA'],
		['an issuer that is no CA', { issuing: { extensions: [basicConstraints(false), keyUsage(5)] } }, 'not a CA'],
		['a root that is no CA', { root: { extensions: [keyUsage(5)] } }, 'not a CA'],
		[
			'an issuer whose key may not sign certificates',
			{ issuing: { extensions: [basicConstraints(true), keyUsage(0, 6)] } },
			'may not sign',
		],
		['another issuer name', { leaf: { issuer: 'Issuing' } }, 'name'],
		['another issuer name above', { middle: { issuer: 'other' } }, 'name'],
		['an intermediate that has expired', { middle: { notAfter: minutes(-1) } }, 'not valid at'],
		['an intermediate that is not valid yet', { issuing: { notBefore: minutes(1) } }, 'not valid at'],
		['a root that has expired', { root: { notAfter: minutes(-1) } }, 'not valid at'],
		['a leaf that has expired', { leaf: { notAfter: minutes(-1) } }, 'not valid at'],
		['an unknown critical extension in the leaf', { leaf: { extensions: [critical] } }, 'critical'],
		['an unknown critical extension in an intermediate', { issuing: { extensions: [...CA, critical] } }, 'critical'],
		[
			'critical name constraints',
			{ issuing: { extensions: [...CA, extension('2.5.29.30', Uint8Array.of(0x30, 0), true)] } },
			'critical',
		],
		['a leaf signed by a stranger', { leaf: { signer: makeKey() } }, 'does not verify'],
		['an intermediate signed by a stranger', { middle: { signer: makeKey('p384') } }, 'does not verify'],
		['SHA-1', { leaf: { algorithm: { oid: '1.2.840.10045.4.1', hash: 'sha1' } } }, '1.2.840.10045.4.1 is not accepted'],
		[
			'SHA-1 in an intermediate',
			{ issuing: { algorithm: { oid: '1.2.840.10045.4.1', hash: 'sha1' } } },
			'not accepted',
		],
		[
			'another hash than it names',
			{ leaf: { algorithm: { oid: '1.2.840.10045.4.3.3', hash: 'sha256' } } },
			'does not verify',
		],
		['an algorithm that nobody knows', { leaf: { algorithm: { oid: '1.2.3', hash: 'sha256' } } }, 'not accepted'],
	] satisfies [string, Changes, string][])('with %s is refused', async (_what, changes, words) => {
		expect(await problem(changes)).toContain(words);
	});

	it('is valid at both ends of each validity, and not a second beyond', async () => {
		for (const [time, isValid] of [
			[dayBefore, true],
			[dayAfter, true],
			[new Date(dayBefore.getTime() - 1000), false],
			[new Date(dayAfter.getTime() + 1000), false],
		] as const)
			expect((await problem({}, time)) === undefined).toBe(isValid);
	});
});

describe('the certificate authorities of a trusted root', () => {
	const authorities = authority.trustedRoot.certificateAuthorities ?? [];
	const entry = authorities[0]!;
	const other = new IssuingAuthority().trustedRoot.certificateAuthorities?.[0];

	it('are tried one after the other, also when several have the same names', async () => {
		const trustedRoot = copyOf({ ...authority.trustedRoot, certificateAuthorities: [other!, entry] });
		await authority.verify(await authority.sign(), { trustedRoot });
	});

	it('are trusted within their validity only, whose ends are inclusive', async () => {
		const bundle = await authority.sign();
		const within = (validFor: object) => ({
			...authority.trustedRoot,
			certificateAuthorities: [{ ...entry, validFor }],
		});
		const second = (n: number) => new Date(SIGNED_AT.getTime() + n * 1000).toISOString();
		for (const validFor of [{ start: second(0) }, { start: second(-9), end: second(0) }, {}])
			await authority.verify(bundle, { trustedRoot: within(validFor) });
		for (const validFor of [{ start: second(1) }, { start: second(-9), end: second(-1) }])
			await expectRefusal(
				authority.verify(bundle, { trustedRoot: within(validFor) }),
				'certificate-untrusted',
				/not in use at/,
			);
	});

	it('must be in use at every proved time: two instances do not add up', async () => {
		const bundle = await authority.sign({
			kind: 'hashedrekord/0.0.1',
			timestamp: (stamp) => ({ ...stamp, genTime: minutes(5) }),
		});
		await authority.verify(bundle);
		const [split, start] = [minutes(2).toISOString(), '2026-01-01T00:00:00Z'];
		const halves = [
			{ ...entry, validFor: { start, end: split } },
			{ ...entry, validFor: { start: split } },
		];
		const trustedRoot = { ...authority.trustedRoot, certificateAuthorities: halves };
		await expectRefusal(authority.verify(bundle, { trustedRoot }), 'certificate-untrusted');
	});

	it('do not include timestamp authorities', async () => {
		const trustedRoot = {
			...authority.trustedRoot,
			certificateAuthorities: [],
			timestampAuthorities: [...(authority.trustedRoot.timestampAuthorities ?? []), entry],
		};
		await expectRefusal(authority.verify(await authority.sign(), { trustedRoot }), 'certificate-untrusted', /no CA/);
	});

	it('may issue from the root itself', async () => {
		const bundle = await authority.sign({
			leaf: (leaf) => ({ ...leaf, issuer: 'root', signer: authority.rootKey }),
			scts: (sct) => [{ ...sct, issuerKey: authority.rootKey.spki }],
		});
		await authority.verify(bundle);
	});

	it('name what was wrong with each of them', async () => {
		const bundle = await authority.sign({ leaf: (leaf) => ({ ...leaf, signer: makeKey() }) });
		await expectRefusal(
			authority.verify(bundle),
			'certificate-untrusted',
			/https:\/\/ca\.test: a signature on the path/,
		);
	});

	it('sign with Ed25519 and RSA as well', async () => {
		for (const kind of ['ed25519', 'rsa2048'] as const) {
			const key = makeKey(kind);
			const ca = issueCertificate(authority.caRecipe({ publicKey: key.spki, extensions: [basicConstraints(true, 0)] }));
			const certChain = { certificates: [ca, authority.root].map((der) => ({ rawBytes: toBase64(der) })) };
			const trustedRoot = { ...authority.trustedRoot, certificateAuthorities: [{ ...entry, certChain }] };
			const bundle = await authority.sign({
				leaf: (leaf) => ({ ...leaf, signer: key }),
				scts: (sct) => [{ ...sct, issuerKey: key.spki }],
			});
			await authority.verify(bundle, { trustedRoot });
			await expectRefusal(authority.verify(bundle), 'certificate-untrusted');
		}
	});
});
