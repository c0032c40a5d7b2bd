/**
 * A signature check as bytes: what travels to a worker, and what is done there. The same is done on the event loop when
 * nothing else is going on, so that there is one way of verifying.
 */
import { parseCertificate } from '@chancery/core/certificate';
import type { HashAlgorithm } from '@chancery/core/sha';
import type { EcdsaBackend } from '../digest/ecdsa-backend.ts';
import { verifyDigest } from '../digest/verify-digest.ts';
import { verifySignature } from '../verify-signature.ts';
import { type CertificateChain, isCertificateChain } from './certificate-chain.ts';

export type CheckWork = SignatureWork | ChainWork;

interface SignatureWork {
	readonly form: 'digest' | 'message';
	readonly hash: HashAlgorithm;
	/** `over` is the digest or the message. */
	readonly parts: readonly [spki: Uint8Array, signature: Uint8Array, over: Uint8Array];
}

interface ChainWork {
	readonly form: 'chain';
	/** Certificates as DER, leaf first, that have been parsed before. */
	readonly parts: readonly Uint8Array[];
}

/** Whether everything in it verifies. */
export function runWork(work: CheckWork, backend: EcdsaBackend): boolean {
	if (work.form === 'chain') return isCertificateChain(work.parts.map(parseCertificate) as unknown as CertificateChain);
	const [spki, signature, over] = work.parts;
	return work.form === 'digest'
		? verifyDigest({ publicKey: spki, hash: work.hash, digest: over, signature, backend })
		: verifySignature({ publicKey: spki, message: over, signature, hash: work.hash });
}

/** Work that travels together: all bytes in one buffer, which changes hands instead of being copied. */
export interface PackedWork {
	readonly id: number;
	readonly items: readonly PackedItem[];
	readonly bytes: Uint8Array<ArrayBuffer>;
}

interface PackedItem {
	readonly form: CheckWork['form'];
	readonly hash: HashAlgorithm | undefined;
	readonly lengths: readonly number[];
}

/** What a worker answers: for each check its result, or in words why there is none. */
export interface WorkResults {
	readonly id: number;
	readonly results: readonly (boolean | string)[];
}

/**
 * Copies the bytes of all checks into a buffer of their own. They are views of request bodies: a clone of a view takes
 * the whole body along.
 */
export function packWork(id: number, works: readonly CheckWork[]): PackedWork {
	const items = works.map((work) => ({
		form: work.form,
		hash: work.form === 'chain' ? undefined : work.hash,
		lengths: work.parts.map((part) => part.length),
	}));
	const parts = works.flatMap((work) => [...work.parts]);
	const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		bytes.set(part, at);
		at += part.length;
	}
	return { id, items, bytes };
}

export function unpackWork({ items, bytes }: PackedWork): CheckWork[] {
	let at = 0;
	return items.map(({ form, hash, lengths }) => {
		const parts = lengths.map((length) => {
			at += length;
			return bytes.subarray(at - length, at);
		});
		return { form, hash, parts } as unknown as CheckWork;
	});
}
