/**
 * The identity provider's wire beyond OpenID Connect itself: the discovery document and the key set as everyone reads
 * them, and the endpoint that mints identity tokens for development.
 *
 * The provider's own protocol (authorization, token and device endpoints) is OAuth 2.0 forms; its paths are in the
 * discovery document (OpenID Connect Discovery 1.0 section 4).
 */
import { z } from 'zod';
import { route } from './route.ts';
import { getIdentityStatus } from './status.ts';

/** The audience that every Sigstore client asks for, and the name of the public client they all use. */
export const SIGSTORE_AUDIENCE = 'sigstore';

/** Path of the issuer of people's tokens below the public URL, as the public Sigstore instance has it. */
export const AUTH_PATH = '/auth';
/** Path of the development issuer whose tokens look like those of GitHub Actions; those of the other presets are below it. */
export const CI_PATH = '/ci';

/** Each machine issuer has an issuer of its own below this path, for the tokens that its tokens are exchanged for. */
export const MACHINES_PATH = '/machines';

/** The issuer of people's tokens: the `iss` claim, byte for byte. `publicUrl` has no trailing slash. */
export function authIssuer(publicUrl: string): string {
	return publicUrl + AUTH_PATH;
}

/** The issuer of development tokens for workflows. `publicUrl` has no trailing slash. */
export function ciIssuer(publicUrl: string): string {
	return publicUrl + CI_PATH;
}

/** The issuer of the tokens that tokens of the machine issuer `name` are exchanged for. `publicUrl` has no trailing slash. */
export function machineIssuer(publicUrl: string, name: string): string {
	return `${publicUrl}${MACHINES_PATH}/${name}`;
}

/** Token exchange at the token endpoint (RFC 8693 section 2.1). */
export const TOKEN_EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** Token types of an exchange (RFC 8693 section 3). Every one of them is a JWT here. */
export const TOKEN_TYPES = {
	idToken: 'urn:ietf:params:oauth:token-type:id_token',
	accessToken: 'urn:ietf:params:oauth:token-type:access_token',
	jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const;

/** Whose tokens a development token may look like. */
export const DEVELOPMENT_PRESETS = [
	'github',
	'gitlab',
	'buildkite',
	'circleci',
	'codefresh',
	'google',
	'kubernetes',
	'spiffe',
] as const;
export type DevelopmentPreset = (typeof DEVELOPMENT_PRESETS)[number];

/**
 * The development issuer of a preset. It is always ours: a token for development never names a real provider as its
 * issuer. `publicUrl` has no trailing slash.
 */
export function presetIssuer(publicUrl: string, preset: DevelopmentPreset): string {
	return preset === 'github' ? ciIssuer(publicUrl) : `${ciIssuer(publicUrl)}/${preset}`;
}

const MAX_CLAIMS = 64;
const MAX_CLAIMS_BYTES = 8 * 1024;
const MAX_CLAIM_DEPTH = 6;

/**
 * An address that a certificate carries: a mailbox in dot-atom form (RFC 5321 section 4.1.2 without quoted local parts and
 * address literals), ASCII only, since rfc822Name is an IA5String and one mailbox must not have two spellings. As with
 * Fulcio, the host needs a dot, and its last label begins and ends with a letter.
 */
export const emailAddress = z
	.string()
	.max(254)
	.regex(
		/^(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]*[A-Za-z])?$/,
		'expected an e-mail address such as alice@example.com',
	);

/** Claims of a development token: a JSON object, bounded because it ends up in a header of every request. */
export const developmentClaims = z
	.record(z.string().min(1).max(128), z.unknown())
	.refine((claims) => Object.keys(claims).length <= MAX_CLAIMS, `expected at most ${MAX_CLAIMS} claims`)
	.refine((claims) => depthWithin(claims, MAX_CLAIM_DEPTH), `expected at most ${MAX_CLAIM_DEPTH} levels of nesting`)
	.refine(
		(claims) => !depthWithin(claims, MAX_CLAIM_DEPTH) || JSON.stringify(claims).length <= MAX_CLAIMS_BYTES,
		`expected at most ${MAX_CLAIMS_BYTES} characters of JSON`,
	);

/**
 * Whom the token is to name: the person `email`, or a machine. With `preset` it comes from the issuer of that preset and has
 * the claims of such a token, `claims` instead of those of the same name; only `google` names an `email` besides. A claim
 * `job_workflow_ref` without a preset stands for `github`.
 */
export const developmentTokenRequest = z
	.strictObject({
		email: emailAddress.optional(),
		preset: z.enum(DEVELOPMENT_PRESETS).optional(),
		claims: developmentClaims.optional(),
		/** The `aud` claim; `sigstore` when absent. */
		audience: z.string().min(1).max(256).optional(),
	})
	.refine((request) => request.email !== undefined || presetOf(request) !== undefined, {
		message: "expected 'email', 'preset', or claims with 'job_workflow_ref'",
		path: ['email'],
	})
	.refine(({ email, preset }) => email === undefined || preset === undefined || preset === 'google', {
		message: 'a token of this preset names no e-mail address',
		path: ['email'],
	});
export type DevelopmentTokenRequest = z.infer<typeof developmentTokenRequest>;

export const developmentTokenReply = z.object({ token: z.string() });

/** The preset that a request names, by itself or by its claims; undefined when it names a person. */
export function presetOf(request: {
	readonly preset?: DevelopmentPreset | undefined;
	readonly claims?: Readonly<Record<string, unknown>> | undefined;
}): DevelopmentPreset | undefined {
	const { preset, claims } = request;
	return preset ?? (claims !== undefined && Object.hasOwn(claims, 'job_workflow_ref') ? 'github' : undefined);
}

/** Needs `Authorization: Bearer <instance secret>`; exists only where the instance has such a secret. */
export const mintDevelopmentToken = route({
	method: 'POST',
	path: '/development/token',
	summary: 'Mints an identity token for development.',
	body: developmentTokenRequest,
	replies: { 200: developmentTokenReply },
	bearer: true,
});

/** The members of a discovery document that Chancery reads or writes; unknown members pass. */
export const discoveryDocument = z.looseObject({
	issuer: z.string(),
	authorization_endpoint: z.string().optional(),
	token_endpoint: z.string().optional(),
	device_authorization_endpoint: z.string().optional(),
	jwks_uri: z.string(),
	subject_types_supported: z.array(z.string()).optional(),
	response_types_supported: z.array(z.string()).optional(),
	id_token_signing_alg_values_supported: z.array(z.string()).optional(),
	code_challenge_methods_supported: z.array(z.string()).optional(),
	scopes_supported: z.array(z.string()).optional(),
	claims_supported: z.array(z.string()).optional(),
});
export type DiscoveryDocument = z.infer<typeof discoveryDocument>;

/** Public keys only: whatever else a key has is dropped, so that a private member cannot pass. */
export const publicJwk = z.object({
	kty: z.string(),
	use: z.string().optional(),
	alg: z.string().optional(),
	kid: z.string(),
	n: z.string().optional(),
	e: z.string().optional(),
	crv: z.string().optional(),
	x: z.string().optional(),
	y: z.string().optional(),
});
export type PublicJwk = z.infer<typeof publicJwk>;

export const jwkSet = z.object({ keys: z.array(publicJwk) });

/** Called at an issuer URL: discovery is always the issuer plus this path. */
export const getDiscovery = route({
	method: 'GET',
	path: '/.well-known/openid-configuration',
	summary: 'The discovery document of an issuer.',
	replies: { 200: discoveryDocument },
});

export const getAuthDiscovery = route({
	...getDiscovery,
	path: `${AUTH_PATH}/.well-known/openid-configuration`,
	summary: "The discovery document of the issuer of people's tokens.",
});

export const getCiDiscovery = route({
	...getDiscovery,
	path: `${CI_PATH}/.well-known/openid-configuration`,
	summary: 'The discovery document of the development issuer of workflow tokens.',
});

export const getCiKeys = route({
	method: 'GET',
	path: `${CI_PATH}/keys`,
	summary: 'The public keys of the development issuer of workflow tokens.',
	replies: { 200: jwkSet },
});

/** Path parameter: the name of a machine issuer. */
export const machineIssuerName = z
	.string()
	.max(63)
	.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected lower-case letters, digits and single hyphens between them');

export const getMachineDiscovery = route({
	...getDiscovery,
	path: `${MACHINES_PATH}/:name/.well-known/openid-configuration`,
	summary: 'The discovery document of the issuer of exchanged tokens of one machine issuer.',
	params: z.object({ name: z.string().max(63) }),
});

const known = z.string().min(1).max(2048).optional();

/** One line of the record of the identity provider. Members that do not apply are null. */
export const auditEvent = z.object({
	happenedAt: z.iso.datetime(),
	kind: z.enum(['login', 'token-exchange', 'client-credentials', 'development-token']),
	outcome: z.enum(['accepted', 'refused']),
	connectorId: z.string().nullable(),
	subject: z.string().nullable(),
	email: z.string().nullable(),
	clientId: z.string().nullable(),
	clientAddress: z.string().nullable(),
	reason: z.string().nullable(),
	requestId: z.string().nullable(),
});
export type AuditEvent = z.output<typeof auditEvent>;

/** On the admin listener: who signed in and who exchanged a token, newest first. */
export const listIdentityEvents = route({
	method: 'GET',
	path: '/admin/v1/events',
	summary: 'Sign-ins and exchanged tokens, newest first, for as long as they are kept.',
	query: z.object({
		subject: known.describe('`sub` of the tokens, exactly.'),
		email: known.describe('The address, exactly.'),
		connectorId: known.describe('Who vouched, exactly.'),
		cursor: z.string().max(100).optional().describe('`next` of the page before.'),
		limit: z.coerce.number().int().min(1).max(1000).optional().describe('Events in a page; 100 when absent.'),
	}),
	replies: { 200: z.object({ events: z.array(auditEvent), next: z.string().nullable() }) },
});

/** Whether it is one, the service says: an unknown name is an unknown path. */
const presetParams = z.object({ preset: z.string().max(64) });

export const getPresetDiscovery = route({
	...getDiscovery,
	path: `${CI_PATH}/:preset/.well-known/openid-configuration`,
	summary: 'The discovery document of the development issuer of another preset than github.',
	params: presetParams,
});

export const getPresetKeys = route({
	...getCiKeys,
	path: `${CI_PATH}/:preset/keys`,
	summary: 'The public keys of the development issuer of another preset than github.',
	params: presetParams,
});

/**
 * Operation id -> route of the public listener. The development token and the issuers of presets exist only with a
 * development secret, the documents of machine issuers for those that are configured. The provider's own endpoints below
 * `/auth` are described by its discovery document.
 */
export const IDENTITY_ROUTES = {
	getAuthDiscovery,
	mintDevelopmentToken,
	getCiDiscovery,
	getCiKeys,
	getMachineDiscovery,
	getPresetDiscovery,
	getPresetKeys,
	getIdentityStatus,
};

/** Stops at the bound, so that a deeply nested value cannot exhaust the stack. */
function depthWithin(value: unknown, levels: number): boolean {
	if (value === null || typeof value !== 'object') return true;
	return levels > 0 && Object.values(value).every((item) => depthWithin(item, levels - 1));
}
