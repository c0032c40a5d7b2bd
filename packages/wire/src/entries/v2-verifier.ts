/**
 * The verifier in entries of the v2 wire: a certificate or a bare key, and how it signs.
 */
import { toBase64 } from '@chancery/core/bytes';
import type { z } from 'zod';
import { nonEmptyBytes, strictMessage } from '../proto-json.ts';
import { publicKeyDetails } from '../sigstore-common.ts';
import type { SignedContent } from './signed-content.ts';
import { parseCertificateVerifier, parseSpkiVerifier, type VerifierKey } from './verifier-key.ts';

/** dev.sigstore.rekor.v2.Verifier. */
export const verifier = strictMessage({
	x509Certificate: strictMessage({ rawBytes: nonEmptyBytes }).optional(),
	publicKey: strictMessage({ rawBytes: nonEmptyBytes }).optional(),
	keyDetails: publicKeyDetails,
}).refine(
	(value) => (value.x509Certificate === undefined) !== (value.publicKey === undefined),
	'expected either x509Certificate or publicKey',
);
export type Verifier = z.output<typeof verifier>;

/** The key behind a verifier; the schema lets exactly one of the two through. @throws {EntryRefusal} `invalid-entry` */
export function readVerifier({ x509Certificate, publicKey }: Verifier): VerifierKey {
	return x509Certificate
		? parseCertificateVerifier(x509Certificate.rawBytes)
		: parseSpkiVerifier((publicKey as NonNullable<typeof publicKey>).rawBytes);
}

/** dev.sigstore.rekor.v2.Signature as a stored body has it. */
export function storedSignature(
	signature: Uint8Array,
	{ kind, der }: Pick<SignedContent['verifier'], 'kind' | 'der'>,
	keyDetails: string,
): object {
	const named = kind === 'certificate' ? 'x509Certificate' : 'publicKey';
	return {
		content: toBase64(signature),
		verifier: { keyDetails, [named]: { rawBytes: toBase64(der) } },
	};
}
