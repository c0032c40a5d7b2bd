import { toBase64, utf8 } from '@chancery/core/bytes';
import {
	basicConstraints,
	CODE_SIGNING,
	extendedKeyUsage,
	keyUsage,
	TIME_STAMPING,
} from '@chancery/testkit/certificate';
import { describe, expect, it } from 'vitest';
import { issueCertificate } from '../test/certificates.ts';
import { copyOf, IssuingAuthority, minutes, SIGNED_AT, TSA_URI } from '../test/issuing-authority.ts';
import { withMember } from '../test/json-path.ts';
import { makeKey } from '../test/keys.ts';
import { expectRefusal } from '../test/refusals.ts';
import { makeTimestamp, type TimestampRecipe } from '../test/timestamp-token.ts';

const authority = new IssuingAuthority();
type Stamp = (recipe: TimestampRecipe) => TimestampRecipe;
const STAMPS = ['verificationMaterial', 'timestampVerificationData', 'rfc3161Timestamps'];
const entry = authority.trustedRoot.timestampAuthorities![0]!;

const verifyStamped = async (timestamp: Stamp, trustedRoot: unknown = authority.trustedRoot) =>
	authority.verify(await authority.sign({ timestamp }), { trustedRoot });

/** A trusted root whose authority has this leaf, and the stamp that it makes. */
function authorityWith(extensions: readonly Uint8Array[], changes = {}): { stamp: Stamp; trustedRoot: unknown } {
	const certificate = issueCertificate(authority.tsaRecipe({ extensions, ...changes }));
	return {
		stamp: (recipe) => ({ ...recipe, certificate, embedded: [certificate] }),
		trustedRoot: { ...authority.trustedRoot, timestampAuthorities: [chain(entry, certificate, authority.root)] },
	};
}

function chain<T extends object>(instance: T, ...certificates: readonly Uint8Array[]) {
	return { ...instance, certChain: { certificates: certificates.map((der) => ({ rawBytes: toBase64(der) })) } };
}

const RSA_SHA256 = '1.2.840.113549.1.1.11';
const RSA = '1.2.840.113549.1.1.1';

describe('a timestamp', () => {
	it('proves its time, with or without its certificate', async () => {
		for (const embedded of [[], [authority.tsa], [authority.root, authority.tsa]]) {
			const { times } = await verifyStamped((stamp) => ({ ...stamp, embedded }));
			expect(times).toEqual([{ source: 'timestamp-authority', uri: TSA_URI, time: SIGNED_AT }]);
		}
	});

	it('counts beside the time of the log', async () => {
		const bundle = await authority.sign({ kind: 'hashedrekord/0.0.1', timestamp: (stamp) => stamp });
		expect((await authority.verify(bundle)).times.map(({ source }) => source)).toEqual(['timestamp-authority', 'log']);
	});

	it('over SHA-384 or SHA-512 is good as well', async () => {
		for (const imprintHash of ['sha384', 'sha512'] as const)
			await verifyStamped((stamp) => ({ ...stamp, imprintHash }));
	});

	it.each([
		['over another signature', (stamp) => ({ ...stamp, data: utf8('other') }), /another signature/],
		['over SHA-1', (stamp) => ({ ...stamp, imprintHash: 'sha1' }), /not one that we accept/],
		['that was refused', (stamp) => ({ ...stamp, status: 2 }), /malformed/],
		['by a stranger with the name of the authority', (stamp) => ({ ...stamp, key: makeKey() }), /does not verify/],
		['of which another content was signed', (stamp) => ({ ...stamp, messageDigest: new Uint8Array(32) }), /content/],
		['with another serial number', (stamp) => ({ ...stamp, serial: 78 }), /not trusted/],
		['with another issuer', (stamp) => ({ ...stamp, issuer: 'other' }), /not trusted/],
		['that names another certificate', (stamp) => ({ ...stamp, certificate: authority.root }), /not trusted/],
		["with a stranger's certificate", (stamp) => ({ ...stamp, embedded: [authority.issuing] }), /came along/],
		['under SHA-1 by name', (stamp) => ({ ...stamp, signatureAlgorithm: '1.2.840.10045.4.1' }), /not accepted/],
		[
			'under an RSA name with the same hash',
			(stamp) => ({ ...stamp, signatureAlgorithm: RSA_SHA256 }),
			/does not verify/,
		],
		['under the name of RSA alone', (stamp) => ({ ...stamp, signatureAlgorithm: RSA }), /does not verify/],
		['under an unknown algorithm', (stamp) => ({ ...stamp, signatureAlgorithm: '1.2.3' }), /not accepted/],
	] satisfies [string, Stamp, RegExp][])('%s is refused', async (_what, stamp, words) => {
		await expectRefusal(verifyStamped(stamp), 'timestamp-invalid', words);
	});

	it.each([
		['has no purpose', [keyUsage(0)]],
		['has another purpose', [extendedKeyUsage([CODE_SIGNING], true)]],
		['has two purposes', [extendedKeyUsage([TIME_STAMPING, CODE_SIGNING], true)]],
		['has any purpose', [extendedKeyUsage(['2.5.29.37.0'], true)]],
		['has its purpose not critical', [extendedKeyUsage([TIME_STAMPING], false)]],
		['is a CA', [basicConstraints(true), extendedKeyUsage([TIME_STAMPING], true)]],
	])('by an authority whose certificate %s is refused', async (_what, extensions) => {
		const { stamp, trustedRoot } = authorityWith(extensions);
		await expectRefusal(verifyStamped(stamp, trustedRoot), 'timestamp-invalid', /timestamping only|is a CA/);
	});

	it('by an authority that signs with RSA, which CMS may name without its hash', async () => {
		const key = makeKey('rsa2048');
		const { stamp, trustedRoot } = authorityWith([extendedKeyUsage([TIME_STAMPING], true)], { publicKey: key.spki });
		await verifyStamped((recipe) => ({ ...stamp(recipe), key }), trustedRoot);
		const unnamed: Stamp = (recipe) => ({ ...stamp(recipe), key, signatureAlgorithm: '1.2.840.113549.1.1.1' });
		await verifyStamped(unnamed, trustedRoot);
	});

	it('holds while the authority was in use, both ends included', async () => {
		const at = (n: number) => new Date(SIGNED_AT.getTime() + n * 1000).toISOString();
		for (const [start, end, isGood] of [
			[at(0), undefined, true],
			[at(-60), at(0), true],
			[at(1), undefined, false],
			[at(-60), at(-1), false],
		] as const) {
			const validFor = end === undefined ? { start } : { start, end };
			const trustedRoot = { ...authority.trustedRoot, timestampAuthorities: [{ ...entry, validFor }] };
			if (isGood) await verifyStamped((stamp) => stamp, trustedRoot);
			else
				await expectRefusal(
					verifyStamped((stamp) => stamp, trustedRoot),
					'timestamp-invalid',
					/not in use at/,
				);
		}
	});

	it('holds while the certificates of the authority were valid, however long ago that is', async () => {
		const expired = authorityWith([extendedKeyUsage([TIME_STAMPING], true)], { notAfter: minutes(1) });
		await verifyStamped(expired.stamp, expired.trustedRoot);
		const early = authorityWith([extendedKeyUsage([TIME_STAMPING], true)], { notBefore: minutes(1) });
		await expectRefusal(verifyStamped(early.stamp, early.trustedRoot), 'timestamp-invalid', /not valid at/);
	});

	it('of a chain that does not lead to its anchor is refused', async () => {
		const root = issueCertificate(authority.caRecipe({ subject: 'root', publicKey: makeKey().spki }));
		const trustedRoot = { ...authority.trustedRoot, timestampAuthorities: [chain(entry, authority.tsa, root)] };
		await expectRefusal(
			verifyStamped((stamp) => stamp, trustedRoot),
			'timestamp-invalid',
			/does not verify/,
		);
	});

	it('is judged by each instance of the authority: one that fits is enough', async () => {
		const retired = { ...entry, validFor: { start: '2025-01-01T00:00:00Z', end: '2025-02-01T00:00:00Z' } };
		await verifyStamped((stamp) => stamp, { ...authority.trustedRoot, timestampAuthorities: [retired, entry] });
	});

	it('is not taken from a certificate authority', async () => {
		const trustedRoot = copyOf(authority.trustedRoot);
		trustedRoot.certificateAuthorities?.push(...(trustedRoot.timestampAuthorities ?? []));
		const attempt = verifyStamped((stamp) => stamp, { ...trustedRoot, timestampAuthorities: [] });
		await expectRefusal(attempt, 'timestamp-invalid', /not trusted/);
	});
});

describe('several timestamps', () => {
	it('of one authority are refused, also when both are good', async () => {
		const bundle = await authority.sign();
		const signature = Buffer.from(bundle.messageSignature?.signature ?? '', 'base64');
		const recipe = authority.timestampRecipe(signature);
		const second = { signedTimestamp: toBase64(makeTimestamp({ ...recipe, genTime: minutes(1) })) };
		await expectRefusal(authority.verify(withMember(bundle, [...STAMPS, 1], second)), 'timestamp-invalid', /two/);
	});

	it('are refused when one of them is bad', async () => {
		const bundle = await authority.sign();
		for (const bad of ['AAAA', toBase64(makeTimestamp(authority.timestampRecipe(utf8('other'))))])
			for (const at of [0, 1]) {
				const stamps = bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? [];
				const list = stamps.toSpliced(at, 0, { signedTimestamp: bad });
				await expectRefusal(authority.verify(withMember(bundle, STAMPS, list)), 'timestamp-invalid');
			}
	});

	it('of two authorities must all fall into the validity of the certificate', async () => {
		const key = makeKey();
		const certificate = issueCertificate(authority.tsaRecipe({ publicKey: key.spki, serial: 88 }));
		const second = { ...chain(entry, certificate, authority.root), uri: 'https://other.test' };
		const trustedRoot = { ...authority.trustedRoot, timestampAuthorities: [entry, second] };
		const bundle = await authority.sign();
		const signature = Buffer.from(bundle.messageSignature?.signature ?? '', 'base64');
		const stampAt = (genTime: Date) => {
			const recipe = { ...authority.timestampRecipe(signature), key, certificate, serial: 88, embedded: [], genTime };
			return withMember(bundle, [...STAMPS, 1], { signedTimestamp: toBase64(makeTimestamp(recipe)) });
		};
		expect((await authority.verify(stampAt(minutes(1)), { trustedRoot })).times).toHaveLength(2);
		await expectRefusal(authority.verify(stampAt(minutes(60)), { trustedRoot }), 'certificate-untrusted');
	});
});
