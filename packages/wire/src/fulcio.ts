/**
 * The certificate authority's wire: Fulcio v2 and v1 over REST, as proto3 JSON.
 *
 * Requests are read the way Fulcio's gateway reads them: either spelling of a field name, `null` for absent, unknown
 * fields dropped, bytes in either base64 alphabet with or without padding. Replies write every field that is set.
 */
import { z } from 'zod';
import { base64Bytes, lenientMessage } from './proto-json.ts';
import { route } from './route.ts';
import { getCaStatus } from './status.ts';

/** Media type of the chains that v1 answers. */
const PEM_CHAIN_TYPE = 'application/pem-certificate-chain';

/** A key, a signature or a request that is longer is none; the bound keeps the work per request small. */
const MAX_FIELD_CHARS = 64 * 1024;

const bytes = z.string().max(MAX_FIELD_CHARS).meta({ contentEncoding: 'base64' }).pipe(base64Bytes);

/** The body of a request. An absent one is the empty message. */
function requestMessage<Shape extends z.ZodRawShape>(shape: Shape) {
	const body = lenientMessage(shape);
	return z.preprocess((json) => json ?? {}, body) as unknown as typeof body;
}

const credentials = lenientMessage({ oidcIdentityToken: z.string().optional() });

/** `algorithm` is an enum name, its number, or free text (v1); the key decides, so that it is never read. */
const algorithm = z.unknown().optional();

export const signingCertificateRequest = requestMessage({
	credentials: credentials.optional(),
	publicKeyRequest: lenientMessage({
		publicKey: lenientMessage({ algorithm, content: z.string().max(MAX_FIELD_CHARS).optional() }).optional(),
		/** Signature over the subject of the token: its e-mail address or `sub`. */
		proofOfPossession: bytes.optional(),
	}).optional(),
	/** PEM of a PKCS#10 request. Wins over `publicKeyRequest` when it is not empty. */
	certificateSigningRequest: bytes.optional(),
});
export type SigningCertificateRequest = z.output<typeof signingCertificateRequest>;
export type SigningCertificateRequestJson = z.input<typeof signingCertificateRequest>;

/** PEM certificates, each issued by the next one. */
const certificateChain = z.object({ certificates: z.array(z.string().max(MAX_FIELD_CHARS)).max(16) });

/** Leaf first, root last. Exactly one member is present. */
export const signingCertificate = z.object({
	signedCertificateDetachedSct: z
		.object({ chain: certificateChain, signedCertificateTimestamp: z.string().max(MAX_FIELD_CHARS) })
		.optional(),
	signedCertificateEmbeddedSct: z.object({ chain: certificateChain }).optional(),
});
export type SigningCertificate = z.output<typeof signingCertificate>;

export const createSigningCertificate = route({
	method: 'POST',
	path: '/api/v2/signingCert',
	summary: 'Issues a certificate that binds the proven key to the identity in the token.',
	body: signingCertificateRequest,
	replies: { 200: signingCertificate },
});

export const trustBundle = z.object({ chains: z.array(certificateChain).max(64) });
export type TrustBundle = z.output<typeof trustBundle>;

export const getTrustBundle = route({
	method: 'GET',
	path: '/api/v2/trustBundle',
	summary: 'The chains of this authority, issuing certificate first and root last.',
	replies: { 200: trustBundle },
});

/** One accepted issuer; exactly one of `issuerUrl` and `wildcardIssuerUrl` is present. */
export const oidcIssuer = z.object({
	issuerUrl: z.string().optional(),
	wildcardIssuerUrl: z.string().optional(),
	/** The `aud` that a token must carry. */
	audience: z.string().default(''),
	/** The claim whose value the requester signs. */
	challengeClaim: z.string().default(''),
	spiffeTrustDomain: z.string().default(''),
	issuerType: z.string().default(''),
	subjectDomain: z.string().default(''),
	skipEmailVerification: z.boolean().default(false),
});

export const configuration = z.object({ issuers: z.array(oidcIssuer) });
export type Configuration = z.output<typeof configuration>;

export const getConfiguration = route({
	method: 'GET',
	path: '/api/v2/configuration',
	summary: 'The issuers whose tokens are accepted.',
	replies: { 200: configuration },
});

export const legacySigningCertificateRequest = requestMessage({
	/** `content` is PEM or DER of the key. */
	publicKey: lenientMessage({ algorithm, content: bytes.optional() }).optional(),
	/** Signature over the subject of the token, whatever its kind: the name is older than other kinds. */
	signedEmailAddress: bytes.optional(),
	certificateSigningRequest: bytes.optional(),
});
export type LegacySigningCertificateRequest = z.output<typeof legacySigningCertificateRequest>;

export const createLegacySigningCertificate = route({
	method: 'POST',
	path: '/api/v1/signingCert',
	summary: 'Version 1 of the same: the token comes in the Authorization header, the chain is answered as PEM.',
	body: legacySigningCertificateRequest,
	replies: { 201: 'text' },
	replyType: PEM_CHAIN_TYPE,
	bearer: true,
});

export const getRootCertificate = route({
	method: 'GET',
	path: '/api/v1/rootCert',
	summary: 'The chains of the trust bundle as PEM.',
	replies: { 200: 'text' },
	replyType: PEM_CHAIN_TYPE,
});

export const health = z.object({ status: z.literal('SERVING') });

export const getHealth = route({
	method: 'GET',
	path: '/healthz',
	summary: 'Whether the process answers; readiness is asked on the admin listener.',
	replies: { 200: health },
});

/** Operation id -> route of the public listener. */
export const FULCIO_ROUTES = {
	createSigningCertificate,
	getTrustBundle,
	getConfiguration,
	createLegacySigningCertificate,
	getRootCertificate,
	getHealth,
	getCaStatus,
};
