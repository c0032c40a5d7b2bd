/**
 * Proof that the requester holds the private key: nobody gets a key that is somebody else's certified under his own name,
 * and claims the signatures made with it. It is no protection from whoever steals a token: he brings a key of his own.
 */
import { utf8 } from '@chancery/core/bytes';
import type { PublicKey } from '@chancery/keys/public-key';
import { verifySignature } from '@chancery/keys/verify-signature';
import { quote, refuse } from './refusal.ts';
import type { RequestedKey } from './requested-key.ts';
import { CSR_SCHEMES, challengeHash, REFUSED_SCHEMES } from './signature-scheme.ts';

/** @throws DomainError `proof-invalid`, `csr-algorithm-unknown` or `algorithm-not-permitted` */
export function checkProofOfPossession(key: RequestedKey, challenges: readonly string[]): void {
	if (key.csr) {
		checkSelfSignature(key.publicKey, key.csr, challengeHash(key.publicKey.info));
		return;
	}
	const hash = challengeHash(key.publicKey.info);
	const proven = challenges.some((challenge) => verifySignature(key.publicKey, utf8(challenge), key.proof, hash));
	if (!proven)
		throw refuse(
			'proof-invalid',
			`expected a signature over one of ${challenges.map(quote).join(', ')}${hash ? ` with ${hash}` : ''}`,
		);
}

function checkSelfSignature(
	publicKey: PublicKey,
	csr: NonNullable<RequestedKey['csr']>,
	permittedHash: string | undefined,
): void {
	const keyType = publicKey.info.algorithm;
	const scheme = Object.hasOwn(CSR_SCHEMES, csr.signatureAlgorithm) ? CSR_SCHEMES[csr.signatureAlgorithm] : undefined;
	if (!scheme) {
		const known = Object.hasOwn(REFUSED_SCHEMES, csr.signatureAlgorithm)
			? REFUSED_SCHEMES[csr.signatureAlgorithm]
			: undefined;
		throw refuse('csr-algorithm-unknown', known ?? csr.signatureAlgorithm);
	}
	// The certification request is the challenge here: it names the key, and clients send it with a fresh key only.
	if (scheme.key !== keyType || !verifySignature(publicKey, csr.info, csr.signature, scheme.hash))
		throw refuse('proof-invalid', `the certification request is not signed by its own key with ${scheme.name}`);
	if (scheme.hash !== permittedHash)
		throw refuse('algorithm-not-permitted', `${keyType}, ${scheme.hash}; expected ${permittedHash}`);
}
