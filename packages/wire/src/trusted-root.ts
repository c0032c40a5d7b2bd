/**
 * `trusted_root.json`: the keys and certificates that verifiers trust (dev.sigstore.trustroot.v1.TrustedRoot as proto3
 * JSON). Also the TUF target of that name.
 */
import { z } from 'zod';
import { base64Bytes, lenientMessage, nonEmptyBytes, timestamp } from './proto-json.ts';
import { hashAlgorithm, publicKeyDetails } from './sigstore-common.ts';

/** The media type that every released client reads; newer ones are refused by most of them. */
export const TRUSTED_ROOT_MEDIA_TYPE = 'application/vnd.dev.sigstore.trustedroot+json;version=0.1';

/** Both ends are inclusive; an absent end means "still in use". */
export const validFor = lenientMessage({ start: timestamp.optional(), end: timestamp.optional() });

export const publicKeyInfo = lenientMessage({
	/** DER SubjectPublicKeyInfo. */
	rawBytes: nonEmptyBytes,
	/** Name from the KeyDetails enumeration, such as `PKIX_ECDSA_P256_SHA_256`. */
	keyDetails: publicKeyDetails,
	validFor: validFor.optional(),
});

/** A transparency log: signature log or certificate log. */
export const transparencyLogInstance = lenientMessage({
	baseUrl: z.string().max(2048).default(''),
	hashAlgorithm,
	publicKey: publicKeyInfo,
	/** 32 bytes: SHA-256 of the SPKI, or for a tile log with an Ed25519 key the full C2SP note key hash. */
	logId: lenientMessage({ keyId: nonEmptyBytes }),
	checkpointKeyId: lenientMessage({ keyId: base64Bytes }).optional(),
	operator: z.string().max(256).optional(),
});

/** A CA (issuing certificate first) or a TSA (signing leaf first); the trust anchor comes last. */
export const certificateAuthority = lenientMessage({
	subject: lenientMessage({
		organization: z.string().max(256).optional(),
		commonName: z.string().max(256).optional(),
	}).optional(),
	uri: z.string().max(2048).optional(),
	certChain: lenientMessage({
		certificates: z
			.array(lenientMessage({ rawBytes: nonEmptyBytes }))
			.min(1)
			.max(10),
	}),
	validFor: validFor.optional(),
	operator: z.string().max(256).optional(),
});

const MAX_INSTANCES = 256;

export const trustedRoot = lenientMessage({
	mediaType: z.string().max(128),
	tlogs: z.array(transparencyLogInstance).max(MAX_INSTANCES).default([]),
	certificateAuthorities: z.array(certificateAuthority).max(MAX_INSTANCES).default([]),
	ctlogs: z.array(transparencyLogInstance).max(MAX_INSTANCES).default([]),
	timestampAuthorities: z.array(certificateAuthority).max(MAX_INSTANCES).default([]),
});

export type TrustedRoot = z.output<typeof trustedRoot>;
export type TrustedRootJson = z.input<typeof trustedRoot>;
export type TransparencyLogInstance = z.output<typeof transparencyLogInstance>;
export type CertificateAuthority = z.output<typeof certificateAuthority>;

const MEDIA_TYPES = /^application\/vnd\.dev\.sigstore\.trustedroot(\+json;version=0\.1|\.v0\.[12]\+json)$/;

/** Parses the JSON value of a trusted root. @throws {ZodError} naming each field that is wrong. */
export function parseTrustedRoot(value: unknown): TrustedRoot {
	return trustedRoot
		.refine((root) => MEDIA_TYPES.test(root.mediaType), {
			path: ['mediaType'],
			message: 'is not that of a trusted root',
		})
		.parse(value);
}
