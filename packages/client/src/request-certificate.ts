/** Requests a certificate from the CA (Fulcio v2 over REST) that binds an ephemeral key to the identity in a token. */
import { equalBytes, utf8 } from '@chancery/core/bytes';
import { parseCertificate, subjectAltNames } from '@chancery/core/certificate';
import { FormatError } from '@chancery/core/format-error';
import { readFulcioExtensions } from '@chancery/core/fulcio-extensions';
import { encodePem, parsePem } from '@chancery/core/pem';
import type { Signer } from '@chancery/keys/signer';
import { CallError } from '@chancery/net/call';
import { createSigningCertificate } from '@chancery/wire/fulcio';
import { ClientError } from './client-error.ts';
import type { IdentityToken } from './identity-token.ts';
import { callWithRetries, type RetryPolicy } from './retried-call.ts';

export interface IssuedCertificate {
	/** DER of the leaf. The rest of the chain is ignored: verifiers take it from their trusted root. */
	readonly der: Uint8Array;
	/** The identity in the certificate, and the issuer in it; empty when the certificate does not state it. */
	readonly subject: string;
	readonly issuer: string;
	/** Length of its validity: does not depend on any clock. */
	readonly lifetimeMs: number;
}

/** The CA asks an issuer, a database, a signer and a CT log. Waiting longer is cheaper than a second certificate. */
const TIMEOUT_MS = 60_000;

/**
 * Requests a certificate. A certificate for another key is refused here, before anything is signed or logged with it.
 * Whether it can be trusted is checked when the finished bundle is verified.
 * @throws {ClientError} `certificate-refused`, `answer-malformed`
 */
export async function requestCertificate(
	caUrl: string,
	token: IdentityToken,
	signer: Signer,
	fetchUsed: typeof fetch,
	retries: RetryPolicy,
): Promise<IssuedCertificate> {
	try {
		const proofOfPossession = await signer.sign(utf8(token.subject));
		const { body } = await callWithRetries(
			createSigningCertificate,
			caUrl,
			{
				body: {
					credentials: { oidcIdentityToken: token.raw },
					publicKeyRequest: {
						publicKey: { algorithm: 'ECDSA', content: encodePem('PUBLIC KEY', signer.publicKey) },
						proofOfPossession: proofOfPossession.toBase64(),
					},
				},
			},
			{ fetch: fetchUsed, timeoutMs: TIMEOUT_MS },
			retries,
		);
		const leaf = body.signedCertificateEmbeddedSct?.chain.certificates[0];
		const [block] = leaf ? parsePem(leaf) : [];
		if (block?.label !== 'CERTIFICATE')
			throw new ClientError('answer-malformed', `${caUrl} answered no certificate with an embedded timestamp`);
		const certificate = parseCertificate(block.der);
		if (!equalBytes(certificate.publicKey, signer.publicKey))
			throw new ClientError('answer-malformed', `${caUrl} answered a certificate for another key`);
		const { issuerV2, issuer } = readFulcioExtensions(certificate);
		return {
			der: block.der,
			subject: subjectAltNames(certificate)[0]?.value ?? '',
			issuer: issuerV2 ?? issuer ?? '',
			lifetimeMs: certificate.notAfter.getTime() - certificate.notBefore.getTime(),
		};
	} catch (cause) {
		if (cause instanceof CallError)
			throw new ClientError('certificate-refused', `the CA gave no certificate: ${cause.message}`, { cause });
		if (cause instanceof FormatError)
			throw new ClientError('answer-malformed', `${caUrl} answered a malformed certificate: ${cause.message}`, {
				cause,
			});
		throw cause;
	}
}
