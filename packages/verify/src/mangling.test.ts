import { fromBase64, toBase64 } from '@chancery/core/bytes';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { beforeAll, describe, expect, it } from 'vitest';
import { ARTIFACT, IssuingAuthority } from '../test/issuing-authority.ts';
import { memberAt, type Path, pathsIn, withMember } from '../test/json-path.ts';
import { randomJson } from '../test/random-json.ts';
import { refusalOf } from '../test/refusals.ts';
import type { VerificationEvidence } from './verify-bundle.ts';

const authority = new IssuingAuthority();
const bundles: Record<string, Awaited<ReturnType<IssuingAuthority['sign']>>> = {};
beforeAll(async () => {
	bundles.v1 = await authority.sign({ version: '0.2' });
	bundles.v2 = await authority.sign();
	bundles.attestation = await authority.sign({ payload: true });
});

const ENTRY: Path = ['verificationMaterial', 'tlogEntries', 0];
const STAMP: Path = ['verificationMaterial', 'timestampVerificationData', 'rfc3161Timestamps', 0, 'signedTimestamp'];

const BINARY: readonly (readonly [which: string, part: string, path: Path])[] = [
	['v1', 'certificate', ['verificationMaterial', 'x509CertificateChain', 'certificates', 0, 'rawBytes']],
	['v1', 'signature', ['messageSignature', 'signature']],
	['v1', 'digest', ['messageSignature', 'messageDigest', 'digest']],
	['v1', 'log id', [...ENTRY, 'logId', 'keyId']],
	['v1', 'promise', [...ENTRY, 'inclusionPromise', 'signedEntryTimestamp']],
	['v1', 'body', [...ENTRY, 'canonicalizedBody']],
	['v1', 'proof hash', [...ENTRY, 'inclusionProof', 'hashes', 0]],
	['v1', 'root', [...ENTRY, 'inclusionProof', 'rootHash']],
	['v2', 'certificate', ['verificationMaterial', 'certificate', 'rawBytes']],
	['v2', 'signature', ['messageSignature', 'signature']],
	['v2', 'body', [...ENTRY, 'canonicalizedBody']],
	['v2', 'first proof hash', [...ENTRY, 'inclusionProof', 'hashes', 0]],
	['v2', 'last proof hash', [...ENTRY, 'inclusionProof', 'hashes', 3]],
	['v2', 'root', [...ENTRY, 'inclusionProof', 'rootHash']],
	['attestation', 'payload', ['dsseEnvelope', 'payload']],
	['attestation', 'signature', ['dsseEnvelope', 'signatures', 0, 'sig']],
	['attestation', 'body', [...ENTRY, 'canonicalizedBody']],
];

const FLIPS = [0x01, 0x20, 0x80, 0xff];

/** One change of each byte; which one is the same in every run. */
function* oneByteChanges(bytes: Uint8Array, random: SeededRandom): Generator<[offset: number, changed: Uint8Array]> {
	for (let i = 0; i < bytes.length; i++) {
		const changed = bytes.slice();
		changed[i]! ^= random.pick(FLIPS);
		yield [i, changed];
	}
}

describe('every change of one byte is refused', () => {
	it.each(BINARY)('in the %s bundle: %s', async (which, _part, path) => {
		const random = new SeededRandom(20260301);
		const bundle = bundles[which]!;
		for (const [, changed] of oneByteChanges(fromBase64(memberAt(bundle, path) as string), random))
			await refusalOf(authority.verify(withMember(bundle, path, toBase64(changed))));
	});

	it.each(['v1', 'v2'])('in the %s bundle: checkpoint', async (which) => {
		const path = [...ENTRY, 'inclusionProof', 'checkpoint', 'envelope'];
		const text = memberAt(bundles[which], path) as string;
		for (let i = 0; i < text.length; i++) {
			const changed = text.slice(0, i) + String.fromCharCode(text.charCodeAt(i) ^ 1) + text.slice(i + 1);
			await refusalOf(authority.verify(withMember(bundles[which], path, changed)));
		}
	});

	/** The status stands outside of the signature, and 1 (granted with modifications) is a grant as well. */
	it('in the v2 bundle: timestamp', async () => {
		const random = new SeededRandom(20260302);
		const der = fromBase64(memberAt(bundles.v2, STAMP) as string);
		const statusAt = der.findIndex((_, i) => der[i] === 0x02 && der[i + 1] === 1 && der[i + 2] === 0) + 2;
		for (const [offset, changed] of oneByteChanges(der, random))
			if (offset !== statusAt) await refusalOf(authority.verify(withMember(bundles.v2, STAMP, toBase64(changed))));
		const granted = Uint8Array.from(der, (byte, i) => (i === statusAt ? 1 : byte));
		await authority.verify(withMember(bundles.v2, STAMP, toBase64(granted)));
		const rejected = Uint8Array.from(der, (byte, i) => (i === statusAt ? 2 : byte));
		await refusalOf(authority.verify(withMember(bundles.v2, STAMP, toBase64(rejected))));
	});
});

describe('a change of the JSON is refused, or changes nothing that is proved', () => {
	const VALUES: readonly (readonly [name: string, member: unknown])[] = [
		['removed', undefined],
		['null', null],
		['another type', 7],
		['a negative number', -1],
		['a list', []],
		['an object', { a: 1 }],
		['an empty text', ''],
		['a long text', 'A'.repeat(100_000)],
		['a huge number', 1e300],
		['digits without end', '9'.repeat(400)],
		['half a character', '\ud800'],
		['a deep value', deepList(20_000)],
		['a long list', Array.from({ length: 5000 }, () => ({}))],
	];

	it.each(VALUES)('each member: %s', async (_name, member) => {
		for (const [which, bundle] of Object.entries(bundles)) {
			const usual = await authority.verify(bundle);
			for (const path of pathsIn(bundle)) {
				const evidence = await acceptance(authority.verify(withMember(bundle, path, member)));
				if (evidence) expect(evidence, `${which}: ${path.join('.')}`).toEqual(usual);
			}
		}
	});

	it('each object with a member that nobody knows, or that is called like a prototype', async () => {
		for (const name of ['extra', '__proto__', 'constructor', 'toString']) {
			for (const path of pathsIn(bundles.v2)) {
				const object = memberAt(bundles.v2, path);
				if (typeof object !== 'object' || object === null || Array.isArray(object)) continue;
				const text = JSON.stringify(object).replace('{', `{${JSON.stringify(name)}:{"a":1},`);
				await refusalOf(authority.verify(withMember(bundles.v2, path, JSON.parse(text))));
			}
		}
	});

	it('members of one bundle in another', async () => {
		const other = await authority.sign();
		for (const path of pathsIn(bundles.v2)) {
			const evidence = await acceptance(authority.verify(withMember(bundles.v2, path, memberAt(other, path))));
			if (evidence) expect(memberAt(other, path), path.join('.')).toEqual(memberAt(bundles.v2, path));
		}
	});
});

describe('whatever comes instead of a bundle is refused', () => {
	it.each([null, undefined, 0, '', 'bundle', [], {}, true, deepList(100_000)])('%#', async (value) => {
		expect((await refusalOf(authority.verify(value))).code).toBe('bundle-malformed');
	});

	it('random JSON, also in the place of a random member', async () => {
		const random = new SeededRandom(4711);
		const paths = pathsIn(bundles.v2);
		for (let i = 0; i < 2000; i++) {
			const value = randomJson(random, 5);
			await refusalOf(authority.verify(value));
			const evidence = await acceptance(authority.verify(withMember(bundles.v2, random.pick(paths), value)));
			if (evidence) expect(evidence).toEqual(await authority.verify(bundles.v2));
		}
	});

	it('random JSON in the place of a trusted root', async () => {
		const random = new SeededRandom(4712);
		const paths = pathsIn(authority.trustedRoot);
		for (let i = 0; i < 1000; i++) {
			const trustedRoot = withMember(authority.trustedRoot, random.pick(paths), randomJson(random, 5));
			await acceptance(authority.verify(bundles.v2, { artifact: { bytes: ARTIFACT }, trustedRoot }));
		}
	});
});

function deepList(levels: number): unknown {
	let value: unknown = [];
	for (let i = 0; i < levels; i++) value = [value];
	return value;
}

/** The evidence, or undefined after a VerifyError; any other error fails the test. */
async function acceptance(attempt: Promise<VerificationEvidence>): Promise<VerificationEvidence | undefined> {
	return attempt.catch(async () => {
		await refusalOf(attempt);
		return undefined;
	});
}
