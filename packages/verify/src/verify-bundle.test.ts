import { X509Certificate } from 'node:crypto';
import { fromBase64, toBase64, utf8 } from '@chancery/core/bytes';
import { encodePem } from '@chancery/core/pem';
import type { HashAlgorithm } from '@chancery/core/sha';
import type { SignedDigest } from '@chancery/core/signed-message';
import { basicConstraints, extendedKeyUsage, extension, keyUsage } from '@chancery/testkit/certificate';
import { OpensslFolder } from '@chancery/testkit/openssl-folder';
import { describe, expect, it } from 'vitest';
import { issuerV1, issuerV2 } from '../test/certificates.ts';
import { testCrypto } from '../test/crypto-port.ts';
import {
	ALICE,
	ARTIFACT,
	EMAIL,
	ISSUER,
	IssuingAuthority,
	minutes,
	SIGNED_AT,
	type SignOptions,
	sha2,
	statementAbout,
	TSA_URI,
} from '../test/issuing-authority.ts';
import { withMember } from '../test/json-path.ts';
import { type KeyKind, makeKey } from '../test/keys.ts';
import { expectRefusal } from '../test/refusals.ts';
import { openTrustedRoot } from './trust-material.ts';
import { verifyBundle } from './verify-bundle.ts';
import { VERIFY_ERROR_CODES, type VerifyErrorCode } from './verify-error.ts';

const authority = new IssuingAuthority();
const BOB = utf8('another artifact');
const ENTRY = ['verificationMaterial', 'tlogEntries', 0];

describe('the authority that these tests make bundles with', () => {
	it('issues certificates that OpenSSL verifies', async () => {
		const leaf = new X509Certificate(authority.issueLeaf(makeKey().spki));
		const [issuing, root] = [new X509Certificate(authority.issuing), new X509Certificate(authority.root)];
		expect(leaf.verify(issuing.publicKey) && issuing.verify(root.publicKey) && root.verify(root.publicKey)).toBe(true);
		expect(leaf.subjectAltName).toBe(`email:${EMAIL}`);
	});

	it('makes timestamps that openssl ts verifies', async () => {
		const bundle = await authority.sign();
		const stamp = bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps?.[0]?.signedTimestamp ?? '';
		using folder = new OpensslFolder({
			'root.pem': encodePem('CERTIFICATE', authority.root),
			data: fromBase64(bundle.messageSignature?.signature ?? ''),
			reply: fromBase64(stamp),
		});
		const at = String(SIGNED_AT.getTime() / 1000);
		const args = ['ts', '-verify', '-data', 'data', '-in', 'reply', '-CAfile', 'root.pem', '-attime', at];
		expect(folder.run(...args)).toContain('Verification: OK');
	});
});

describe('a good bundle', () => {
	it('is accepted with what it proves: who, when, and where it is logged', async () => {
		const evidence = await authority.verify(await authority.sign());
		expect(evidence).toMatchObject({
			identity: { subject: EMAIL, issuer: ISSUER },
			times: [{ source: 'timestamp-authority', uri: TSA_URI, time: SIGNED_AT }],
			logEntries: [{ logUrl: 'https://log2.test', logIndex: 5 }],
			scts: [{ logUrl: 'https://ct.test', time: new Date(SIGNED_AT.getTime() - 5000) }],
			statement: undefined,
		});
	});

	it('of a v1 log takes its time from the promise', async () => {
		const evidence = await authority.verify(await authority.sign({ kind: 'hashedrekord/0.0.1' }));
		expect(evidence.times).toEqual([{ source: 'log', uri: 'https://rekor.test', time: SIGNED_AT }]);
		expect(evidence.logEntries).toEqual([{ logUrl: 'https://rekor.test', logIndex: 1005 }]);
	});

	const GOOD: readonly SignOptions[] = [
		{ version: '0.1' },
		{ version: '0.2' },
		{ kind: 'hashedrekord/0.0.1' },
		{ payload: true },
		{ payload: true, kind: 'dsse/0.0.1' },
		{ payload: true, kind: 'dsse/0.0.2' },
		{ payload: true, kind: 'intoto/0.0.2' },
		{ payload: true, kind: 'intoto/0.0.2', version: '0.2' },
		{ kind: 'hashedrekord/0.0.1', hash: 'sha384' },
		{ kind: 'hashedrekord/0.0.1', hash: 'sha512' },
		{ kind: 'hashedrekord/0.0.1', integratedTime: null, timestamp: (same) => same },
	];
	it.each(GOOD)('%j is accepted', async (options) => {
		const { statement } = await authority.verify(await authority.sign(options));
		expect(statement).toEqual(options.payload ? JSON.parse(statementAbout(ARTIFACT)) : undefined);
	});

	const KEYS: readonly KeyKind[] = ['p256', 'p384', 'p521', 'rsa2048'];
	it.each(KEYS)('is accepted from a %s key, as message and as envelope, by bytes and by digest', async (kind) => {
		const key = makeKey(kind);
		for (const payload of [undefined, true] as const)
			for (const entry of payload
				? (['dsse/0.0.1', 'hashedrekord/0.0.2'] as const)
				: (['hashedrekord/0.0.1', 'hashedrekord/0.0.2'] as const)) {
				const bundle = await authority.sign({ key, kind: entry, ...(payload ? { payload } : {}) });
				await authority.verify(bundle);
				const algorithm = payload ? 'SHA2_256' : (bundle.messageSignature?.messageDigest?.algorithm as HashAlgorithm);
				await authority.verify(bundle, { artifact: { digests: [{ algorithm, value: sha2(algorithm, ARTIFACT) }] } });
			}
	});

	it('is accepted from a plain Ed25519 key where the log does not need a digest of it', async () => {
		await authority.verify(await authority.sign({ key: makeKey('ed25519'), payload: true, kind: 'dsse/0.0.1' }));
		await authority.verify(await authority.sign({ key: makeKey('ed25519'), payload: true, kind: 'dsse/0.0.2' }));
	});

	it('without its unsigned digest is judged by the hash that belongs to the key', async () => {
		for (const kind of ['p256', 'p384'] as const) {
			const bundle = await authority.sign({ key: makeKey(kind) });
			delete bundle.messageSignature?.messageDigest;
			await authority.verify(bundle);
		}
	});

	it('signed by a bare key is accepted for that key only', async () => {
		const key = makeKey();
		const bundle = await authority.sign({ key, hint: 'release' });
		const { identity, publicKey } = await authority.verify(bundle, { policy: { kind: 'key', publicKey: key.spki } });
		expect(identity).toBeUndefined();
		expect(publicKey).toEqual(key.spki);
		const other = { kind: 'key', publicKey: makeKey().spki } as const;
		await expectRefusal(authority.verify(bundle, { policy: other }), 'signature-invalid');
	});
});

describe('the artifact', () => {
	it('must be the one that was signed', async () => {
		const bundle = await authority.sign();
		await expectRefusal(authority.verify(bundle, { artifact: { bytes: BOB } }), 'artifact-mismatch');
		const digest = { algorithm: 'SHA2_256', value: sha2('SHA2_256', BOB) } as const;
		await expectRefusal(authority.verify(bundle, { artifact: { digests: [digest] } }), 'artifact-mismatch');
	});

	it('is not taken from the digest in the bundle', async () => {
		const digest = toBase64(sha2('SHA2_256', BOB));
		const bundle = withMember(await authority.sign(), ['messageSignature', 'messageDigest', 'digest'], digest);
		await expectRefusal(authority.verify(bundle, { artifact: { bytes: BOB } }), 'signature-invalid');
	});

	it('cannot be given by another kind of digest than the signature is over', async () => {
		const digest = { algorithm: 'SHA2_512', value: sha2('SHA2_512', ARTIFACT) } as const;
		await expectRefusal(
			authority.verify(await authority.sign(), { artifact: { digests: [digest] } }),
			'artifact-mismatch',
		);
	});

	it.each(['SHA1', 'MD5', 'SHA3_256', 'HASH_ALGORITHM_UNSPECIFIED', 'sha256', ''])(
		'cannot be named by %s',
		async (algorithm) => {
			const bundle = withMember(await authority.sign(), ['messageSignature', 'messageDigest', 'algorithm'], algorithm);
			await expectRefusal(authority.verify(bundle), 'bundle-malformed');
		},
	);

	it('is signed under the hash that the bundle names: claiming another one does not verify', async () => {
		const messageDigest = { algorithm: 'SHA2_512', digest: toBase64(sha2('SHA2_512', ARTIFACT)) };
		const bundle = withMember(await authority.sign(), ['messageSignature', 'messageDigest'], messageDigest);
		await expectRefusal(authority.verify(bundle), 'signature-invalid');
	});
});

describe('an Ed25519 signature over an artifact', () => {
	it('is asked for in its prehash form where only the digest is known, with SHA-512 as the bundle says', async () => {
		const key = makeKey('ed25519');
		const bundle = await authority.sign({ key });
		const asked: unknown[] = [];
		const crypto = {
			...testCrypto,
			verifyDigest: ({ publicKey, hash, digest }: SignedDigest) => {
				asked.push([publicKey, hash, digest]);
				return false;
			},
		};
		const digest = { algorithm: 'SHA2_512', value: sha2('SHA2_512', ARTIFACT) } as const;
		const request = { bundle, trust: openTrustedRoot(authority.trustedRoot), policy: ALICE, crypto };
		await expectRefusal(verifyBundle({ ...request, artifact: { digests: [digest] } }), 'signature-invalid');
		expect(asked).toEqual([[key.spki, 'SHA2_512', digest.value]]);
	});
});

describe('a statement', () => {
	const subject = (digest: unknown) => statementAbout(ARTIFACT, { subject: [{ name: 'a', digest }] });
	const right = sha2('SHA2_256', ARTIFACT).toHex();

	it.each([
		['is about another artifact', statementAbout(BOB)],
		['has no subject', statementAbout(ARTIFACT, { subject: [] })],
		['has the digest under another name', subject({ md5: right })],
		['has the digest under a name of a prototype', subject({ constructor: right })],
		['has the digest in capitals', subject({ sha256: right.toUpperCase() })],
		['has half of the digest', subject({ sha256: right.slice(0, 32) })],
		['has the digest of another hash', subject({ sha512: right })],
	])('that %s is refused', async (_what, payload) => {
		await expectRefusal(authority.verify(await authority.sign({ payload })), 'artifact-mismatch');
	});

	it('with __proto__ as the digests does not inherit one', async () => {
		const payload = subject({}).replace('"digest":{}', `"digest":{"__proto__":{"sha256":"${right}"}}`);
		await expectRefusal(authority.verify(await authority.sign({ payload })), 'artifact-mismatch');
	});

	it.each([
		['is no JSON', '{'],
		['is no object', '[]'],
		['has a member twice', statementAbout(ARTIFACT).replace('{', '{"predicate":{},')],
		['has no type', statementAbout(ARTIFACT, { _type: undefined })],
		['has another type', statementAbout(ARTIFACT, { _type: 'https://in-toto.io/Statement/v1 ' })],
		['has a digest that is no text', subject({ sha256: 1 })],
		['has more subjects than anyone checks', statementAbout(ARTIFACT, { subject: Array(1025).fill({ digest: {} }) })],
	])('that %s is refused', async (_what, payload) => {
		await expectRefusal(authority.verify(await authority.sign({ payload })), 'statement-mismatch');
	});

	it.each(['text/plain', 'application/vnd.in-toto+json ', '', '\u202e'])('as %j is refused', async (payloadType) => {
		await expectRefusal(authority.verify(await authority.sign({ payload: true, payloadType })), 'statement-mismatch');
	});

	it('is found by any of the three hashes', async () => {
		for (const name of ['sha256', 'sha384', 'sha512'] as const) {
			const hash = name.replace('sha', 'SHA2_') as HashAlgorithm;
			await authority.verify(await authority.sign({ payload: subject({ [name]: sha2(hash, ARTIFACT).toHex() }) }));
		}
	});

	it('does not change its meaning by a payload type that was not signed', async () => {
		const bundle = await authority.sign({ payload: true, payloadType: 'text/plain' });
		const renamed = withMember(bundle, ['dsseEnvelope', 'payloadType'], 'application/vnd.in-toto+json');
		await expectRefusal(authority.verify(renamed), 'signature-invalid');
	});

	it('with half a character in its payload type is refused as malformed', async () => {
		const bundle = withMember(await authority.sign({ payload: true }), ['dsseEnvelope', 'payloadType'], '\ud800');
		await expectRefusal(authority.verify(bundle), 'bundle-malformed');
	});
});

/** One way to each refusal; the type demands all of them. */
const REFUSALS: Readonly<Record<VerifyErrorCode, () => Promise<unknown>>> = {
	'bundle-malformed': async () => authority.verify({}),
	'trusted-root-malformed': async () => authority.verify(await authority.sign(), { trustedRoot: {} }),
	'artifact-mismatch': async () => authority.verify(await authority.sign(), { artifact: { bytes: BOB } }),
	'signature-invalid': async () => {
		const other = await authority.sign();
		const path = ['messageSignature', 'signature'];
		return authority.verify(withMember(await authority.sign(), path, other.messageSignature?.signature));
	},
	'statement-mismatch': async () => authority.verify(await authority.sign({ payload: 'no statement' })),
	'certificate-invalid': async () =>
		authority.verify(await authority.sign({ leaf: usedFor(keyUsage(0), extendedKeyUsage(['1.2.3'])) })),
	'certificate-untrusted': async () =>
		authority.verify(await authority.sign({ leaf: (leaf) => ({ ...leaf, signer: makeKey() }) })),
	'sct-invalid': async () => authority.verify(await authority.sign({ scts: () => [] })),
	'timestamp-invalid': async () =>
		authority.verify(await authority.sign({ timestamp: (stamp) => ({ ...stamp, data: utf8('other') }) })),
	'timestamp-missing': async () => authority.verify(await authority.sign({ timestamp: null })),
	'log-unknown': async () =>
		authority.verify(await authority.sign(), {
			trustedRoot: withMember(authority.trustedRoot, ['tlogs', 1], undefined),
		}),
	'log-entry-missing': async () =>
		authority.verify(withMember(await authority.sign(), ['verificationMaterial', 'tlogEntries'], [])),
	'log-entry-mismatch': async () => {
		const [entry] = (await authority.sign()).verificationMaterial.tlogEntries ?? [];
		return authority.verify(withMember(await authority.sign(), ENTRY, entry));
	},
	'inclusion-promise-invalid': async () =>
		authority.verify(await authority.sign({ version: '0.2', record: { forger: makeKey() } })),
	'inclusion-proof-invalid': async () =>
		authority.verify(withMember(await authority.sign(), [...ENTRY, 'inclusionProof', 'logIndex'], '6')),
	'checkpoint-invalid': async () => authority.verify(await authority.sign({ record: { forger: makeKey() } })),
	'identity-mismatch': async () =>
		authority.verify(await authority.sign({ leaf: replaceExtensions(issuerV2('https://other')) })),
	'key-mismatch': async () => authority.verify(await authority.sign({ hint: 'a' })),
};

describe('every refusal', () => {
	it.each(VERIFY_ERROR_CODES)('%s is given', async (code) => {
		await expectRefusal(REFUSALS[code](), code);
	});
});

describe('the signing certificate', () => {
	it.each([
		['is a CA', (leaf) => ({ ...leaf, extensions: [...leaf.extensions, basicConstraints(true)] })],
		['says nothing about its use', usedFor(extendedKeyUsage(['1.3.6.1.5.5.7.3.3']))],
		['is not for signatures', usedFor(keyUsage(2), extendedKeyUsage(['1.3.6.1.5.5.7.3.3']))],
		['is for TLS', usedFor(keyUsage(0), extendedKeyUsage(['1.3.6.1.5.5.7.3.1']))],
		['is for anything', usedFor(keyUsage(0), extendedKeyUsage(['2.5.29.37.0']))],
		['has a usage that is no DER', usedFor(extension('2.5.29.15', Uint8Array.of(3, 9)))],
		['has purposes that are no DER', usedFor(keyUsage(0), extension('2.5.29.37', Uint8Array.of(0x30, 9)))],
		['has a name that is no DER', replaceExtensions(extension('2.5.29.17', Uint8Array.of(0x30, 9)))],
		['has an issuer that is no DER', replaceExtensions(extension('1.3.6.1.4.1.57264.1.8', Uint8Array.of(0x0c, 9)))],
		['names two issuers', (leaf) => ({ ...leaf, extensions: [...leaf.extensions, issuerV1('https://other')] })],
	] satisfies [string, NonNullable<SignOptions['leaf']>][])('that %s is refused', async (_what, leaf) => {
		await expectRefusal(authority.verify(await authority.sign({ leaf })), 'certificate-invalid');
	});

	it('with a key that no list names is refused', async () => {
		const key = makeKey('rsa1024');
		for (const options of [{ payload: true, kind: 'dsse/0.0.1' }, { kind: 'hashedrekord/0.0.1' }] as const)
			await expectRefusal(
				authority.verify(await authority.sign({ key, ...options })),
				'certificate-invalid',
				/public key/,
			);
	});

	it('must have been valid at every proved time', async () => {
		for (const shift of [-2, 10]) {
			const timestamp: SignOptions['timestamp'] = (stamp) => ({ ...stamp, genTime: minutes(shift) });
			await expectRefusal(
				authority.verify(await authority.sign({ timestamp })),
				'certificate-untrusted',
				/not valid at/,
			);
			const both = await authority.sign({ kind: 'hashedrekord/0.0.1', timestamp });
			await expectRefusal(authority.verify(both), 'certificate-untrusted', /not valid at/);
		}
		for (const shift of [-1, 9]) {
			const timestamp: SignOptions['timestamp'] = (stamp) => ({ ...stamp, genTime: minutes(shift) });
			await authority.verify(await authority.sign({ timestamp }));
		}
	});
});

function replaceExtensions(...extensions: readonly Uint8Array[]): NonNullable<SignOptions['leaf']> {
	return (recipe) => ({ ...recipe, extensions });
}

/** In the place of key usage and purposes; the names stay. */
function usedFor(...extensions: readonly Uint8Array[]): NonNullable<SignOptions['leaf']> {
	return (recipe) => ({ ...recipe, extensions: [...extensions, ...recipe.extensions.slice(2)] });
}
