/**
 * The steps of a keyless signature: an ephemeral key, a certificate for it, the signature, a timestamp, a log entry, and the
 * bundle that contains them. The key is deleted when the function returns.
 */
import { setTimeout } from 'node:timers/promises';
import { toHex, utf8 } from '@chancery/core/bytes';
import { preAuthEncode } from '@chancery/core/dsse';
import { type EphemeralSigner, generateEphemeralSigner } from '@chancery/keys/file/ephemeral-signer';
import { type Artifact, digestOf } from '@chancery/verify/artifact';
import type { TrustMaterial } from '@chancery/verify/trust-material';
import { type VerificationEvidence, verifyBundle } from '@chancery/verify/verify-bundle';
import { BUNDLE_MEDIA_TYPE, type Bundle, type BundleJson, encodeBundle } from '@chancery/wire/bundle';
import { schemaProblem } from '@chancery/wire/schema-problem';
import type { SigningConfig } from '@chancery/wire/signing-config';
import { z } from 'zod';
import { chooseServices } from './choose-services.ts';
import { ClientError } from './client-error.ts';
import { readIdentityToken } from './identity-token.ts';
import { nodeCrypto } from './node-crypto.ts';
import { requestCertificate } from './request-certificate.ts';
import { requestTimestamp } from './request-timestamp.ts';
import type { RetryPolicy } from './retried-call.ts';
import { type LoggedContent, uploadEntry } from './upload-entry.ts';

export interface SigningDeps {
	readonly signingConfig: SigningConfig;
	/** The finished bundle is verified with this before it is returned. */
	readonly trust: TrustMaterial;
	readonly identityToken: string;
	/** Log API versions to choose from, highest first; both by default. */
	readonly logApiVersions?: readonly (1 | 2)[];
	readonly fetch: typeof fetch;
	readonly clock: () => number;
	readonly random: (n: number) => Uint8Array;
	/** The runtime's timers by default. */
	readonly sleep?: (ms: number) => Promise<void>;
	/** Called when a service is overloaded and will be asked again. */
	readonly onWait?: (message: string) => void;
}

export interface SignedBundle {
	readonly bundle: BundleJson;
	readonly evidence: VerificationEvidence;
}

const IN_TOTO = 'application/vnd.in-toto+json';

/** How long to wait for a certificate. Nothing has been made yet, and the user may give up at any time. */
const CERTIFICATE_WITHIN_MS = 300_000;
/** The last attempts for timestamp and entry begin so long before the certificate expires. */
const RESERVE_MS = 60_000;

/**
 * Signs an artifact, of which the log and verifiers know only the SHA-256.
 * @throws {ClientError} when a service refuses, {VerifyError} when what the services answered does not verify
 */
export async function signBlob(artifact: Artifact, deps: SigningDeps): Promise<SignedBundle> {
	const digest = digestOf(artifact, 'SHA2_256');
	return signWith(deps, artifact, async (signer) => {
		const signature = signer.signDigest(digest);
		return {
			logged: { kind: 'artifact', sha256: digest, signature },
			content: { messageSignature: { messageDigest: { algorithm: 'SHA2_256', digest }, signature } },
			signature,
		};
	});
}

/** The statement about `artifact` that `attestBlob` signs (in-toto Statement v1). */
export function inTotoStatement(input: {
	readonly name: string;
	readonly artifact: Artifact;
	readonly predicateType: string;
	readonly predicate: unknown;
}): Uint8Array {
	return utf8(
		JSON.stringify({
			_type: 'https://in-toto.io/Statement/v1',
			subject: [{ name: input.name, digest: { sha256: toHex(digestOf(input.artifact, 'SHA2_256')) } }],
			predicateType: input.predicateType,
			predicate: input.predicate,
		}),
	);
}

/**
 * Signs an in-toto statement, byte for byte as given. `artifact` is one of its subjects.
 * @throws {Error} as `signBlob`
 */
export async function attestBlob(artifact: Artifact, statement: Uint8Array, deps: SigningDeps): Promise<SignedBundle> {
	return signWith(deps, artifact, async (signer) => {
		const signature = await signer.sign(preAuthEncode(IN_TOTO, statement));
		const envelope = { payload: statement, payloadType: IN_TOTO, signatures: [{ sig: signature, keyid: '' }] };
		return { logged: { kind: 'envelope', envelope }, content: { dsseEnvelope: envelope }, signature };
	});
}

interface Signed {
	readonly logged: LoggedContent;
	readonly content: Pick<Bundle, 'messageSignature' | 'dsseEnvelope'>;
	readonly signature: Uint8Array;
}

async function signWith(
	deps: SigningDeps,
	artifact: Artifact,
	sign: (signer: EphemeralSigner) => Promise<Signed>,
): Promise<SignedBundle> {
	const services = chooseServices(deps.signingConfig, deps.logApiVersions ?? [2, 1], deps.clock());
	const token = readIdentityToken(deps.identityToken);

	// 1. A key for this call only, and a certificate for it. Every retry is for this one key.
	const signer = generateEphemeralSigner();
	const certificateBy = deps.clock() + CERTIFICATE_WITHIN_MS;
	const certificate = await requestCertificate(
		services.ca.url,
		token,
		signer,
		deps.fetch,
		retries(deps, Math.min(certificateBy, token.expiresAt?.getTime() ?? certificateBy)),
	);
	// Timestamp and log entry must be made while the certificate is valid: later ones would prove nothing.
	const whileValid = retries(deps, deps.clock() + certificate.lifetimeMs - RESERVE_MS);

	// 2. The signature.
	const { logged, content, signature } = await sign(signer);

	// 3. Proof of the time, then proof of publication. A failure here leaves at most a log entry without a bundle, which
	// harms nobody: it is a true record of a signature.
	const timestamps = services.tsa
		? [{ signedTimestamp: await requestTimestamp(services.tsa.url, signature, deps.random, deps.fetch, whileValid) }]
		: [];
	const entry = await uploadEntry(services.log, logged, certificate.der, deps.fetch, whileValid);

	const bundle = writeBundle({
		mediaType: BUNDLE_MEDIA_TYPE,
		verificationMaterial: {
			certificate: { rawBytes: certificate.der },
			tlogEntries: [entry],
			timestampVerificationData: { rfc3161Timestamps: timestamps },
		},
		...content,
	});

	// 4. A bundle that would not verify is never returned.
	const evidence = await verifyBundle({
		bundle,
		trust: deps.trust,
		artifact,
		policy: {
			kind: 'identities',
			anyOf: [{ subject: { exactly: certificate.subject }, issuer: { exactly: certificate.issuer } }],
		},
		crypto: nodeCrypto,
	});
	return { bundle, evidence };
}

function retries({ clock, random, sleep, onWait }: SigningDeps, untilMs: number): RetryPolicy {
	return { untilMs, clock, random, sleep: sleep ?? setTimeout, onWait: onWait ?? (() => undefined) };
}

/** Makes the JSON of a bundle from the answers of the services; an answer that does not fit in a bundle is refused. */
function writeBundle(bundle: Bundle): BundleJson {
	try {
		return encodeBundle(bundle);
	} catch (cause) {
		if (!(cause instanceof z.ZodError)) throw cause;
		const reason = schemaProblem(cause);
		throw new ClientError('answer-malformed', `a service answered what no bundle can hold: ${reason}`, { cause });
	}
}
