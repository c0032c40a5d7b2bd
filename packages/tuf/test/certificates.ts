/** Chains for reports: certificates with just enough content for a check of their issuer. */
import {
	derBitString,
	derBoolean,
	derContext,
	derInteger,
	derOctetString,
	derOid,
	derSequence,
	derSet,
	derTime,
	derUtf8,
} from '@chancery/core/der';
import { generateSigner } from '@chancery/keys/file/generate';
import type { Signer } from '@chancery/keys/signer';

const ALGORITHM = derSequence(derOid('1.2.840.10045.4.3.2'));
const CA = derSequence(derOid('2.5.29.19'), derOctetString(derSequence(derBoolean(true))));

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
	const tbs = derSequence(
		derContext(0, {}, derInteger(2)),
		derInteger(1),
		ALGORITHM,
		name(issuer),
		derSequence(derTime(new Date('2026-01-01T00:00:00Z')), derTime(new Date('2036-01-01T00:00:00Z'))),
		name(subject),
		publicKey,
		...(isCa ? [derContext(3, {}, derSequence(CA))] : []),
	);
	return derSequence(tbs, ALGORITHM, derBitString(await signer.sign(tbs)));
}

function name(commonName: string): Uint8Array {
	return derSequence(derSet(derSequence(derOid('2.5.4.3'), derUtf8(commonName))));
}
