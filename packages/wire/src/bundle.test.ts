import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { BUNDLE_MEDIA_TYPE, type BundleJson, bundleVersion, encodeBundle, parseBundle } from './bundle.ts';

const ENTRY = {
	logIndex: '12',
	logId: { keyId: 'AQID' },
	kindVersion: { kind: 'hashedrekord', version: '0.0.2' },
	inclusionProof: {
		logIndex: '12',
		rootHash: 'AQID',
		treeSize: '13',
		hashes: ['AQID'],
		checkpoint: { envelope: 'x' },
	},
	canonicalizedBody: 'e30=',
};
const BUNDLE: BundleJson = {
	mediaType: BUNDLE_MEDIA_TYPE,
	verificationMaterial: {
		certificate: { rawBytes: 'AQID' },
		tlogEntries: [ENTRY],
		timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: 'AQID' }] },
	},
	messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest: 'AQID' }, signature: 'AQID' },
};

describe('a bundle', () => {
	it('is read into bytes and numbers, and written back as it was', () => {
		const bundle = parseBundle(BUNDLE);
		expect(bundle.verificationMaterial.tlogEntries[0]).toMatchObject({
			logIndex: 12,
			logId: { keyId: Uint8Array.of(1, 2, 3) },
		});
		expect(encodeBundle(bundle)).toEqual(BUNDLE);
	});

	it('may leave out what proto3 JSON leaves out, and say null instead', () => {
		const { hashes: _hashes, logIndex: _proofIndex, ...proof } = ENTRY.inclusionProof;
		const { logIndex: _index, ...first } = ENTRY;
		const { tlogEntries, timestampVerificationData, publicKey } = parseBundle({
			...BUNDLE,
			dsseEnvelope: null,
			verificationMaterial: {
				publicKey: {},
				x509CertificateChain: null,
				tlogEntries: [{ ...first, integratedTime: 0, inclusionPromise: null, inclusionProof: proof }],
				timestampVerificationData: {},
			},
		}).verificationMaterial;
		expect(tlogEntries[0]).toMatchObject({
			logIndex: 0,
			integratedTime: 0,
			inclusionProof: { logIndex: 0, hashes: [] },
		});
		expect(timestampVerificationData).toEqual({ rfc3161Timestamps: [] });
		expect(publicKey).toEqual({ hint: '' });
		expect(parseBundle({ mediaType: '', verificationMaterial: {} }).verificationMaterial.tlogEntries).toEqual([]);
	});

	const material = (changes: object) => ({
		...BUNDLE,
		verificationMaterial: { ...BUNDLE.verificationMaterial, ...changes },
	});
	const entry = (changes: object) => material({ tlogEntries: [{ ...ENTRY, ...changes }] });
	const proof = (changes: object) => entry({ inclusionProof: { ...ENTRY.inclusionProof, ...changes } });

	it.each([
		['no media type', { ...BUNDLE, mediaType: undefined }],
		['an unknown member', { ...BUNDLE, extra: 1 }],
		['an unknown member deep inside', proof({ extra: 1 })],
		['a negative index', entry({ logIndex: '-1' })],
		['an index beyond 2^53', entry({ logIndex: '9007199254740993' })],
		['no log id', entry({ logId: undefined })],
		['an empty log id', entry({ logId: { keyId: '' } })],
		['no body', entry({ canonicalizedBody: undefined })],
		['an empty promise', entry({ inclusionPromise: { signedEntryTimestamp: '' } })],
		['no root', proof({ rootHash: undefined })],
		['more hashes than any tree has', proof({ hashes: Array(65).fill('AQID') })],
		['a checkpoint beyond its bound', proof({ checkpoint: { envelope: 'x'.repeat(65_537) } })],
		['33 entries', material({ tlogEntries: Array(33).fill(ENTRY) })],
		[
			'33 timestamps',
			material({ timestampVerificationData: { rfc3161Timestamps: Array(33).fill({ signedTimestamp: 'AQID' }) } }),
		],
		['an empty timestamp', material({ timestampVerificationData: { rfc3161Timestamps: [{ signedTimestamp: '' }] } })],
		['a certificate in PEM', material({ certificate: { rawBytes: '-----BEGIN CERTIFICATE-----' } })],
		['an empty certificate', material({ certificate: { rawBytes: '' } })],
		['an empty signature', { ...BUNDLE, messageSignature: { signature: '' } }],
		['null in a list', material({ tlogEntries: [null] })],
	])('with %s is refused', (_what, value) => {
		expect(() => parseBundle(value)).toThrow(z.ZodError);
	});

	it.each([null, undefined, [], 'x', 1])('is not %j', (value) => {
		expect(() => parseBundle(value)).toThrow(z.ZodError);
	});

	it('is of one of four media types', () => {
		expect(bundleVersion(BUNDLE_MEDIA_TYPE)).toBe('0.3');
		expect(bundleVersion('application/vnd.dev.sigstore.bundle+json;version=0.1')).toBe('0.1');
		expect(bundleVersion('application/vnd.dev.sigstore.bundle.v0.2+json')).toBeUndefined();
		expect(bundleVersion('__proto__')).toBeUndefined();
	});
});
