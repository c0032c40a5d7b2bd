/**
 * Public keys from outside, parsed once: strictly by our own reader, then by OpenSSL.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { MIN_RSA_BITS } from '@chancery/core/algorithms';
import { FormatError } from '@chancery/core/format-error';
import { type PublicKeyInfo, parseSpki } from '@chancery/core/spki';

/** A key that passed both readers. */
export interface PublicKey {
	readonly info: PublicKeyInfo;
	readonly key: KeyObject;
}

/**
 * Reads a DER SubjectPublicKeyInfo of a kind that `core` knows (EC on the three NIST curves, RSA, Ed25519).
 * @throws {FormatError} also for a point that is not on its curve, which only OpenSSL notices
 */
export function parsePublicKey(spki: Uint8Array): PublicKey {
	const info = parseSpki(spki);
	try {
		return { info, key: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }) };
	} catch (cause) {
		throw new FormatError('public key', 'not a key that OpenSSL accepts', { cause });
	}
}

/** Whether a signature under this key proves anything. Larger moduli and exponents than are honest cannot even be read. */
export function isStrongEnough(info: PublicKeyInfo): boolean {
	return info.algorithm !== 'rsa' || info.rsaBits >= MIN_RSA_BITS;
}

/** The same, where a malformed key only means that no signature can be right. */
export function readPublicKey(key: Uint8Array | PublicKey): PublicKey | undefined {
	if (!(key instanceof Uint8Array)) return key;
	try {
		return parsePublicKey(key);
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
	}
}

/** Only our own reading, which does not see whether a point is on its curve; undefined for a malformed key. */
export function readKeyInfo(key: Uint8Array | PublicKey): PublicKeyInfo | undefined {
	if (!(key instanceof Uint8Array)) return key.info;
	try {
		return parseSpki(key);
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
	}
}

const DEFAULT_MAX_KEYS = 1000;

/**
 * Parsed keys by their DER: parsing costs as much as a fifth of a verification. Bounded, because clients choose the
 * keys; the one used longest ago goes first.
 */
export class PublicKeyCache {
	readonly #keys = new Map<string, PublicKey>();
	readonly #maxKeys: number;

	constructor(maxKeys: number = DEFAULT_MAX_KEYS) {
		this.#maxKeys = maxKeys;
	}

	/** @throws {FormatError} as `parsePublicKey`; failures are not kept */
	get(spki: Uint8Array): PublicKey {
		const name = spki.toBase64();
		const known = this.#keys.get(name);
		const key = known ?? parsePublicKey(spki);
		this.#keys.delete(name);
		this.#keys.set(name, key);
		if (this.#keys.size > this.#maxKeys) {
			const oldest = this.#keys.keys().next();
			if (!oldest.done) this.#keys.delete(oldest.value);
		}
		return key;
	}
}
