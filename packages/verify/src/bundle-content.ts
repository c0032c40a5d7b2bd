/**
 * The rules of the bundle's versions: which fields must, may and may not be there, and what they amount to.
 */
import { basicConstraints, type Certificate, parseCertificate } from '@chancery/core/certificate';
import { FormatError } from '@chancery/core/format-error';
import {
	type Bundle,
	type BundledLogEntry,
	type BundleVersion,
	bundleVersion,
	type DsseEnvelope,
	parseBundle,
} from '@chancery/wire/bundle';
import { schemaProblem } from '@chancery/wire/schema-problem';
import { z } from 'zod';
import { VerifyError } from './verify-error.ts';

export interface BundleContent {
	readonly version: BundleVersion;
	readonly signer:
		| { readonly kind: 'certificate'; readonly certificate: Certificate }
		| { readonly kind: 'publicKey'; readonly hint: string };
	readonly signed:
		| {
				readonly kind: 'message';
				readonly signature: Uint8Array;
				readonly claimedDigest: NonNullable<Bundle['messageSignature']>['messageDigest'];
		  }
		| { readonly kind: 'envelope'; readonly signature: Uint8Array; readonly envelope: DsseEnvelope };
	readonly logEntries: readonly BundledLogEntry[];
	/** DER TimeStampResp each. */
	readonly timestamps: readonly Uint8Array[];
}

/**
 * Opens the JSON value of a bundle.
 * @throws {VerifyError} `bundle-malformed` or `certificate-invalid`
 */
export function openBundle(value: unknown): BundleContent {
	try {
		const bundle = parseBundle(value);
		const version = bundleVersion(bundle.mediaType);
		if (!version) throw malformed(`media type ${JSON.stringify(bundle.mediaType)} is not known`);
		const { tlogEntries, timestampVerificationData } = bundle.verificationMaterial;
		return {
			version,
			signer: signerOf(bundle, version),
			signed: signedOf(bundle),
			logEntries: tlogEntries,
			timestamps: timestampVerificationData?.rfc3161Timestamps.map(({ signedTimestamp }) => signedTimestamp) ?? [],
		};
	} catch (cause) {
		if (cause instanceof z.ZodError) throw malformed(schemaProblem(cause), cause);
		if (cause instanceof FormatError) throw malformed(cause.message, cause);
		throw cause;
	}
}

function signerOf(bundle: Bundle, version: BundleVersion): BundleContent['signer'] {
	const { certificate, x509CertificateChain, publicKey } = bundle.verificationMaterial;
	if ([certificate, x509CertificateChain, publicKey].filter((member) => member !== undefined).length !== 1)
		throw malformed('exactly one of certificate, x509CertificateChain and publicKey is needed');
	if (publicKey) return { kind: 'publicKey', hint: publicKey.hint };
	if (certificate && version !== '0.3')
		throw malformed(`version ${version} carries a certificate chain, not a certificate`);
	if (x509CertificateChain && version === '0.3') throw malformed('version 0.3 carries a certificate, not a chain');
	const chain = certificate ? [certificate] : (x509CertificateChain?.certificates ?? []);
	const [leaf, ...others] = chain.map(({ rawBytes }) => parseCertificate(rawBytes));
	if (!leaf) throw malformed('the certificate chain is empty');
	if (basicConstraints(leaf)?.ca) throw new VerifyError('certificate-invalid', 'the signing certificate is a CA');
	// A root inside the bundle is never trusted; its presence means that a signer did not know what it trusts.
	if (others.some((other) => isSelfIssued(other))) throw malformed('the bundle contains a root certificate');
	return { kind: 'certificate', certificate: leaf };
}

function signedOf({ messageSignature, dsseEnvelope, verificationMaterial }: Bundle): BundleContent['signed'] {
	if (messageSignature && !dsseEnvelope) {
		const { signature, messageDigest } = messageSignature;
		return { kind: 'message', signature, claimedDigest: messageDigest };
	}
	if (!dsseEnvelope || messageSignature) throw malformed('exactly one of messageSignature and dsseEnvelope is needed');
	const [signature, second] = dsseEnvelope.signatures;
	if (!signature || second) throw malformed('a DSSE envelope in a bundle has exactly one signature');
	const hint = verificationMaterial.publicKey?.hint;
	if (hint && signature.keyid && hint !== signature.keyid)
		throw malformed('the key hint of the bundle and the key id in the envelope name different keys');
	return { kind: 'envelope', signature: signature.sig, envelope: dsseEnvelope };
}

function isSelfIssued({ subject, issuer }: Certificate): boolean {
	return subject.length === issuer.length && subject.every((byte, i) => byte === issuer[i]);
}

function malformed(message: string, cause?: unknown): VerifyError {
	return new VerifyError('bundle-malformed', `the bundle is malformed: ${message}`, { cause });
}
