/**
 * The story of a keyless signature: an ephemeral key, a certificate for it, the signature, a timestamp, a log entry,
 * and the bundle that holds them. The key is forgotten when the function returns.
 */
import { toHex, utf8 } from '@chancery/core/bytes';
import { parseCertificate, subjectAltNames } from '@chancery/core/certificate';
import { preAuthEncode } from '@chancery/core/dsse';
import { readFulcioExtensions } from '@chancery/core/fulcio-extensions';
import { sha256 } from '@chancery/core/sha';
import { generateSigner } from '@chancery/keys/generate';
import type { TrustMaterial } from '@chancery/verify/trust-material';
import { type Artifact, type VerificationEvidence, verifyBundle } from '@chancery/verify/verify-bundle';
import { BUNDLE_MEDIA_TYPE, type Bundle, type BundleJson, encodeBundle } from '@chancery/wire/bundle';
import { type ServiceUrl, type SigningConfig, selectService } from '@chancery/wire/signing-config';
import { ClientError } from './client-error.ts';
import { readIdentityToken } from './identity-token.ts';
import { nodeCrypto } from './node-crypto.ts';
import { requestCertificate } from './request-certificate.ts';
import { requestTimestamp } from './request-timestamp.ts';
import { type LoggedContent, uploadEntry } from './upload-entry.ts';

export interface SigningDeps {
	readonly signingConfig: SigningConfig;
	/** What the finished bundle is verified against before it is given out. */
	readonly trust: TrustMaterial;
	readonly identityToken: string;
	/** Log wires to choose from, highest first; both where nothing is said. */
	readonly logApiVersions?: readonly (1 | 2)[];
	readonly fetch: typeof fetch;
	readonly clock: () => number;
	readonly random: (n: number) => Uint8Array;
}

export interface SignedBundle {
	readonly bundle: BundleJson;
	readonly evidence: VerificationEvidence;
}

const IN_TOTO = 'application/vnd.in-toto+json';

/**
 * Signs an artifact.
 * @throws ClientError when a service refuses, VerifyError when what the services answered does not verify
 */
export async function signBlob(artifact: Uint8Array, deps: SigningDeps): Promise<SignedBundle> {
	return signWith(deps, { bytes: artifact }, async (signer) => {
		const signature = await signer.sign(artifact);
		const digest = sha256(artifact);
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
	readonly artifact: Uint8Array;
	readonly predicateType: string;
	readonly predicate: unknown;
}): Uint8Array {
	return utf8(
		JSON.stringify({
			_type: 'https://in-toto.io/Statement/v1',
			subject: [{ name: input.name, digest: { sha256: toHex(sha256(input.artifact)) } }],
			predicateType: input.predicateType,
			predicate: input.predicate,
		}),
	);
}

/**
 * Signs an in-toto statement, byte for byte as given. `artifact` is one of its subjects.
 * @throws as `signBlob`
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
	sign: (signer: ReturnType<typeof generateSigner>) => Promise<Signed>,
): Promise<SignedBundle> {
	const services = chooseServices(deps);
	const token = readIdentityToken(deps.identityToken);

	// 1. A key that lives as long as this call, and a certificate for it.
	const signer = generateSigner('ecdsa-sha2-256-nistp256');
	const certificate = await requestCertificate(services.ca.url, token, signer, deps.fetch);

	// 2. The signature.
	const { logged, content, signature } = await sign(signer);

	// 3. Proof of when, then proof of publication. A failure here leaves at most an orphaned log entry, which harms
	// nobody: it is a true record of a signature.
	const timestamps = services.tsa
		? [{ signedTimestamp: await requestTimestamp(services.tsa.url, signature, deps.random, deps.fetch) }]
		: [];
	const entry = await uploadEntry(services.log, logged, certificate, deps.fetch);

	const bundle = encodeBundle({
		mediaType: BUNDLE_MEDIA_TYPE,
		verificationMaterial: {
			certificate: { rawBytes: certificate },
			tlogEntries: [entry],
			timestampVerificationData: { rfc3161Timestamps: timestamps },
		},
		...content,
	});

	// 4. Nobody gets a bundle that would not verify.
	const leaf = parseCertificate(certificate);
	const extensions = readFulcioExtensions(leaf);
	const evidence = await verifyBundle({
		bundle,
		trust: deps.trust,
		artifact,
		policy: {
			kind: 'identities',
			anyOf: [
				{
					subject: { exactly: subjectAltNames(leaf)[0]?.value ?? '' },
					issuer: { exactly: extensions.issuerV2 ?? token.issuer },
				},
			],
		},
		crypto: nodeCrypto,
	});
	return { bundle, evidence };
}

function chooseServices({ signingConfig, logApiVersions = [2, 1], clock }: SigningDeps): {
	ca: ServiceUrl;
	log: ServiceUrl;
	tsa: ServiceUrl | undefined;
} {
	const now = clock();
	const ca = selectService(signingConfig.caUrls, [1], now);
	const log = selectService(signingConfig.rekorTlogUrls, logApiVersions, now);
	const tsa = selectService(signingConfig.tsaUrls, [1], now);
	if (!ca) throw noService('certificate authority');
	if (!log) throw noService(`signature log of API version ${logApiVersions.join(' or ')}`);
	if (log.majorApiVersion === 2 && !tsa) throw noService('timestamp authority, which a v2 log needs');
	return { ca, log, tsa };
}

function noService(what: string): ClientError {
	return new ClientError('no-service', `the signing configuration has no current ${what}`);
}
