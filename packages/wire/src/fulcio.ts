/**
 * The certificate authority's wire: Fulcio v2 and v1 over REST, as proto3 JSON.
 *
 * Requests are read the way Fulcio's gateway reads them: either spelling of a field name, `null` for absent, unknown
 * fields dropped, bytes in either base64 alphabet with or without padding. Replies write every field that is set.
 */
import { fromBase64 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { z } from 'zod';
import { route } from './route.ts';

/** Media type of the chains that v1 answers. */
export const PEM_CHAIN_TYPE = 'application/pem-certificate-chain';

/** A key, a signature or a request that is longer is none; the bound keeps the work per request small. */
const MAX_FIELD_CHARS = 64 * 1024;

/**
 * A message of proto3 JSON: only the named fields are looked at, `camelCase` before `snake_case`, own members only.
 * An absent body is the empty message.
 */
function message<Shape extends z.ZodRawShape>(shape: Shape) {
	const fields = z.object(shape);
	const names = Object.keys(shape).map((name) => [name, name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)] as const);
	const read = (json: unknown): unknown => {
		if (json === undefined || json === null) return {};
		if (typeof json !== 'object' || Array.isArray(json)) return json;
		const own = (name: string): unknown => (Object.hasOwn(json, name) ? Reflect.get(json, name) : undefined);
		const present = names.map(([name, snake]) => [name, own(name) ?? own(snake)] as const);
		return Object.fromEntries(present.filter(([, value]) => value !== undefined && value !== null));
	};
	return z.preprocess(read, fields) as z.ZodType<z.output<typeof fields>, z.input<typeof fields>>;
}

/** proto3 JSON `bytes`: the standard or the URL alphabet, padding optional, line ends ignored. */
const bytes = z.codec(
	z.string().max(MAX_FIELD_CHARS),
	z.custom<Uint8Array>((value) => value instanceof Uint8Array),
	{
		decode: (text, context) => {
			const digits = text
				.replace(/[\r\n]/g, '')
				.replaceAll('-', '+')
				.replaceAll('_', '/');
			try {
				// Padding is there as a whole or not at all.
				return fromBase64(digits.includes('=') ? digits : digits.padEnd(Math.ceil(digits.length / 4) * 4, '='));
			} catch (error) {
				if (!(error instanceof FormatError)) throw error;
				context.issues.push({ code: 'custom', message: 'is not base64', input: text });
				return z.NEVER;
			}
		},
		encode: (value) => value.toBase64(),
	},
);

const credentials = message({ oidcIdentityToken: z.string().optional() });

/** `algorithm` is an enum name, its number, or free text (v1); the key decides, so that it is never read. */
const algorithm = z.unknown().optional();

export const signingCertificateRequest = message({
	credentials: credentials.optional(),
	publicKeyRequest: message({
		publicKey: message({ algorithm, content: z.string().max(MAX_FIELD_CHARS).optional() }).optional(),
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

export const legacySigningCertificateRequest = message({
	/** `content` is PEM or DER of the key. */
	publicKey: message({ algorithm, content: bytes.optional() }).optional(),
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
});

export const getRootCertificate = route({
	method: 'GET',
	path: '/api/v1/rootCert',
	summary: 'The chains of the trust bundle as PEM.',
	replies: { 200: 'text' },
});

export const health = z.object({ status: z.literal('SERVING') });

export const getHealth = route({
	method: 'GET',
	path: '/healthz',
	summary: 'Whether the process answers; readiness is asked on the admin listener.',
	replies: { 200: health },
});
