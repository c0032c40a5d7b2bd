/**
 * The Sigstore bundle (dev.sigstore.bundle.v1.Bundle as proto3 JSON), media types 0.1 to 0.3: a signature together
 * with everything needed to verify it offline.
 */
import { z } from 'zod';
import { base64Bytes, int64String, nonEmptyBytes, strictMessage } from './proto-json.ts';
import { hashAlgorithm } from './sigstore-common.ts';

/** What we write. */
export const BUNDLE_MEDIA_TYPE = 'application/vnd.dev.sigstore.bundle.v0.3+json';

const VERSIONS: ReadonlyMap<string, BundleVersion> = new Map([
	['application/vnd.dev.sigstore.bundle+json;version=0.1', '0.1'],
	['application/vnd.dev.sigstore.bundle+json;version=0.2', '0.2'],
	['application/vnd.dev.sigstore.bundle+json;version=0.3', '0.3'],
	[BUNDLE_MEDIA_TYPE, '0.3'],
]);

export type BundleVersion = '0.1' | '0.2' | '0.3';

/** The version a media type stands for, or undefined when no verifier could know its rules. */
export function bundleVersion(mediaType: string): BundleVersion | undefined {
	return VERSIONS.get(mediaType);
}

const certificate = strictMessage({ rawBytes: nonEmptyBytes });

/**
 * A log's answer as it is kept in a bundle. `integratedTime` is unix seconds; a v2 log leaves it 0 or out. Writers of
 * proto3 JSON leave out the index of a log's first entry, which is 0.
 */
export const bundledLogEntry = strictMessage({
	logIndex: int64String.default(0),
	logId: strictMessage({ keyId: nonEmptyBytes }),
	kindVersion: strictMessage({ kind: z.string().max(64), version: z.string().max(16) }),
	integratedTime: int64String.optional(),
	inclusionPromise: strictMessage({ signedEntryTimestamp: nonEmptyBytes }).optional(),
	inclusionProof: strictMessage({
		logIndex: int64String.default(0),
		rootHash: nonEmptyBytes,
		treeSize: int64String,
		hashes: z.array(base64Bytes).max(64).default([]),
		checkpoint: strictMessage({ envelope: z.string().max(64 * 1024) }).optional(),
	}).optional(),
	canonicalizedBody: nonEmptyBytes,
});

export const dsseEnvelope = strictMessage(
	{
		payload: base64Bytes,
		payloadType: z.string().max(256),
		signatures: z.array(strictMessage({ sig: nonEmptyBytes, keyid: z.string().max(1024).optional() })).max(16),
	},
	['payloadType'],
);

export const bundle = strictMessage({
	mediaType: z.string().max(128),
	verificationMaterial: strictMessage({
		certificate: certificate.optional(),
		x509CertificateChain: strictMessage({ certificates: z.array(certificate).max(16).default([]) }).optional(),
		publicKey: strictMessage({ hint: z.string().max(1024).default('') }).optional(),
		tlogEntries: z.array(bundledLogEntry).max(32).default([]),
		timestampVerificationData: strictMessage({
			rfc3161Timestamps: z
				.array(strictMessage({ signedTimestamp: nonEmptyBytes }))
				.max(32)
				.default([]),
		}).optional(),
	}),
	messageSignature: strictMessage({
		messageDigest: strictMessage({ algorithm: hashAlgorithm, digest: nonEmptyBytes }).optional(),
		signature: nonEmptyBytes,
	}).optional(),
	dsseEnvelope: dsseEnvelope.optional(),
});

export type Bundle = z.output<typeof bundle>;
export type BundleJson = z.input<typeof bundle>;
export type BundledLogEntry = z.output<typeof bundledLogEntry>;
export type DsseEnvelope = z.output<typeof dsseEnvelope>;

/** Parses the JSON value of a bundle; the rules of its version are the verifier's. @throws {ZodError} */
export function parseBundle(value: unknown): Bundle {
	return bundle.parse(value);
}

/** The JSON value of a bundle, absent fields left out. */
export function encodeBundle(value: Bundle): BundleJson {
	return z.encode(bundle, value);
}
