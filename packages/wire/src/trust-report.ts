/**
 * What a service says about itself to the root of trust: its chain or public key and where it answers, signed with the
 * key in question. The receiver need not trust the sender for that: the signature proves possession of the key.
 */
import { isRfc3339 } from '@chancery/core/calendar-time';
import { z } from 'zod';
import { route } from './route.ts';

const base64 = z.base64().max(64 * 1024);
/** UTC, so that every reader prints it alike. */
const isoTime = z.iso.datetime().refine(isRfc3339, 'is a time that does not exist');
const url = z.url({ protocol: /^https?$/ }).max(2048);
const certChain = z.array(base64).min(1).max(10).describe('DER certificates, base64');
const subject = z.object({ organization: z.string().max(256), commonName: z.string().max(256) });

const certificateAuthority = z.object({
	kind: z.literal('certificate-authority'),
	subject,
	uri: url,
	/** Issuing certificate first, root last. */
	certChain,
	validForStart: isoTime,
});

const timestampAuthority = z.object({
	kind: z.literal('timestamp-authority'),
	subject,
	/** The endpoint that takes requests, not only its host. */
	uri: url,
	/** Signing certificate first, root last. */
	certChain,
	validForStart: isoTime,
});

const tlog = z.object({
	kind: z.literal('tlog'),
	baseUrl: url,
	majorApiVersion: z.union([z.literal(1), z.literal(2)]),
	/** DER SubjectPublicKeyInfo. */
	publicKey: base64,
	/** A name of `PublicKeyDetails`. */
	keyDetails: z.string().max(64),
	logId: base64,
	validForStart: isoTime,
});

const ctlog = z.object({
	kind: z.literal('ctlog'),
	baseUrl: url,
	publicKey: base64,
	keyDetails: z.string().max(64),
	logId: base64,
	validForStart: isoTime,
});

const identity = z.object({ kind: z.literal('identity'), issuer: url });

/** What a service stands for in a trusted root or signing config. */
export const trustMaterial = z.discriminatedUnion('kind', [
	certificateAuthority,
	timestampAuthority,
	tlog,
	ctlog,
	identity,
]);
export type TrustMaterial = z.output<typeof trustMaterial>;

/** The signed payload, before it becomes canonical JSON (RFC 8785). */
export const trustReportPayload = z.strictObject({
	service: z.string().min(1).max(64),
	issuedAt: isoTime,
	material: trustMaterial,
});
export type TrustReportPayload = z.output<typeof trustReportPayload>;

/** Stands before the payload in the bytes that are signed, so that the signature means nothing anywhere else. */
export const TRUST_REPORT_CONTEXT = 'chancery-trust-report-v1\n';

export const trustReport = z.object({
	/** Canonical JSON of `trustReportPayload`, base64. */
	payload: z
		.base64()
		.min(1)
		.max(256 * 1024),
	/** DER SubjectPublicKeyInfo of the reported key, base64. */
	publicKey: base64,
	/** Over UTF-8 of `TRUST_REPORT_CONTEXT` followed by the payload bytes; form as `Signer` makes it. */
	signature: base64,
});
export type TrustReport = z.output<typeof trustReport>;

export const getTrustReport = route({
	method: 'GET',
	path: '/admin/v1/trust',
	summary: 'What this service is in the root of trust, signed with its own key',
	replies: { 200: trustReport },
});
