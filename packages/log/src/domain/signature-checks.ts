/**
 * The one place where signatures of entries are verified: a queue that knows what each check costs.
 *
 * A check occupies the event loop, an ECDSA check over a bare digest for milliseconds, and anybody may ask for one. So
 * the queue is bounded by the work in it, not by the number of its items; a submission that would exceed the bound is
 * refused at once and told when to come back. Between two checks the loop serves everything else.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DomainError } from '@chancery/chassis/domain-error';
import type { HashAlgorithm } from '@chancery/core/sha';
import { type PublicKeyInfo, parseSpki } from '@chancery/core/spki';
import { verifyDigest } from '@chancery/keys/verify-digest';
import { verifySignature } from '@chancery/keys/verify-signature';
import { type CertificateChain, isCertificateChain } from './certificate-chain.ts';
import type { VerifierKey } from './verifier-key.ts';

/** A signature that a key made. */
export interface SignatureCheck {
	readonly key: VerifierKey;
	readonly signature: Uint8Array;
	readonly hash: HashAlgorithm;
	/** The signed message, or its digest with `hash` where only that is known (Ed25519 is then Ed25519ph). */
	readonly over: { readonly message: Uint8Array } | { readonly digest: Uint8Array };
}

/** The signatures by which certificates name their issuers. */
export interface ChainCheck {
	readonly chain: CertificateChain;
}

/** Whether everything in the check verifies. @throws DomainError `overloaded` when too much work is waiting */
export type CheckSignature = (check: SignatureCheck | ChainCheck) => Promise<boolean>;

export interface SignatureChecks {
	readonly check: CheckSignature;
	/** Estimated work that waits or runs, in milliseconds. */
	queuedMs(): number;
}

interface Waiting {
	readonly check: SignatureCheck | ChainCheck;
	readonly costMs: number;
	readonly settle: (run: () => boolean) => void;
}

/** Cheap checks share a turn of the event loop until they add up to this. */
const TURN_BUDGET_MS = 2;

/** Opens a queue that holds at most `maxQueuedMs` of estimated work. An empty queue takes any single check. */
export function createSignatureChecks(options: { readonly maxQueuedMs: number }): SignatureChecks {
	const waiting: Waiting[] = [];
	let queuedMs = 0;
	let isDraining = false;

	/** Starts in the next turn: what arrives in this one must be counted, or the bound would never be met. */
	async function drain(): Promise<void> {
		isDraining = true;
		while (waiting.length > 0) {
			await nextTurn();
			let spentMs = 0;
			while (spentMs < TURN_BUDGET_MS) {
				const next = waiting.shift();
				if (next === undefined) break;
				next.settle(() => verify(next.check));
				queuedMs -= next.costMs;
				spentMs += next.costMs;
			}
		}
		queuedMs = 0;
		isDraining = false;
	}

	return {
		queuedMs: () => queuedMs,
		check: (check) => {
			const costMs = estimateCostMs(check);
			if (queuedMs > 0 && queuedMs + costMs > options.maxQueuedMs) {
				return Promise.reject(
					new DomainError(
						'overloaded',
						`${Math.round(queuedMs)} ms of signature checks are waiting; ${options.maxQueuedMs} ms is the limit`,
						{ retryAfterSeconds: Math.max(1, Math.ceil(queuedMs / 1000)) },
					),
				);
			}
			queuedMs += costMs;
			const result = new Promise<boolean>((resolve, reject) => {
				waiting.push({
					check,
					costMs,
					settle: (run) => {
						try {
							resolve(run());
						} catch (error) {
							reject(error);
						}
					},
				});
			});
			if (!isDraining) void drain();
			return result;
		},
	};
}

function verify(check: SignatureCheck | ChainCheck): boolean {
	if ('chain' in check) return isCertificateChain(check.chain);
	const { key, signature, hash, over } = check;
	return 'digest' in over
		? verifyDigest(key.spki, hash, over.digest, signature)
		: verifySignature(key.spki, over.message, signature, hash);
}

/** Bytes that SHA-2 gets through in a millisecond, roughly. */
const HASHED_BYTES_PER_MS = 500_000;

/** OpenSSL's reading of a certificate. */
const CERTIFICATE_MS = 0.1;

/** Milliseconds of one check, rough but in proportion: what is bounded is their sum. */
export function estimateCostMs(check: SignatureCheck | ChainCheck): number {
	if ('chain' in check) {
		return check.chain.reduce((sum, { publicKey }) => sum + CERTIFICATE_MS + nativeCostMs(parseSpki(publicKey)), 0);
	}
	const { key, over } = check;
	if ('message' in over) return nativeCostMs(key.info) + over.message.length / HASHED_BYTES_PER_MS;
	return digestCostMs(key.info);
}

function nativeCostMs(info: PublicKeyInfo): number {
	if (info.algorithm === 'rsa') return rsaCostMs(info.rsaBits);
	if (info.algorithm === 'ed25519') return 0.15;
	return info.curve === 'P-256' ? 0.1 : 1;
}

/** Over a bare digest the curve arithmetic is not native. */
function digestCostMs(info: PublicKeyInfo): number {
	if (info.algorithm === 'rsa') return rsaCostMs(info.rsaBits);
	if (info.algorithm === 'ed25519') return 2;
	return info.curve === 'P-256' ? 2 : info.curve === 'P-384' ? 5 : 10;
}

/** Grows with the square of the modulus. */
function rsaCostMs(bits: number): number {
	return 0.05 * (bits / 2048) ** 2;
}
