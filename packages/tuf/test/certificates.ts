/** Chains for reports: certificates with just enough content for a check of their issuer. */
import { derBitString, derOid, derSequence } from '@chancery/core/der';
import { generateSigner } from '@chancery/keys/file/generate';
import type { Signer } from '@chancery/keys/signer';
import { basicConstraints, tbsCertificate } from '@chancery/testkit/certificate';

const ALGORITHM = derSequence(derOid('1.2.840.10045.4.3.2'));

export interface TestChain {
	/** First the certificate of `signer`, then the root. */
	readonly certificates: readonly [Uint8Array, Uint8Array];
	readonly signer: Signer;
	readonly rootSigner: Signer;
}

export async function makeChain(isCa = true): Promise<TestChain> {
	const [signer, rootSigner] = [generateSigner('ecdsa-sha2-256-nistp256'), generateSigner('ecdsa-sha2-256-nistp256')];
	const first = await issue('first', 'root', signer.publicKey, rootSigner, isCa);
	const root = await issue('root', 'root', rootSigner.publicKey, rootSigner, true);
	return { certificates: [first, root], signer, rootSigner };
}

export async function issue(
	subject: string,
	issuer: string,
	publicKey: Uint8Array,
	signer: Signer,
	isCa: boolean,
): Promise<Uint8Array> {
	const tbs = tbsCertificate({
		issuer,
		subject,
		publicKey,
		algorithm: ALGORITHM,
		serial: 1,
		notBefore: new Date('2026-01-01T00:00:00Z'),
		notAfter: new Date('2036-01-01T00:00:00Z'),
		extensions: isCa ? [basicConstraints(true)] : [],
	});
	return derSequence(tbs, ALGORITHM, derBitString(await signer.sign(tbs)));
}
