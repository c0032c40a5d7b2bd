/** The roots that are accepted at one moment, found by their bytes and by their names. */
import { toHex } from '@chancery/core/bytes';
import type { Certificate } from '@chancery/core/certificate';
import { sha256 } from '@chancery/core/sha';

/**
 * Renewed and cross-signed roots share a name, and a chain without its root is tried with each of them. More of one name
 * are not accepted, so that a stranger's chain costs no more checks than this.
 */
export const MAX_ROOTS_OF_ONE_NAME = 4;

/** get-roots answers all of them at once, to anybody. */
export const MAX_ROOTS = 200;

export class RootSet {
	readonly #byFingerprint = new Map<string, Certificate>();
	readonly #byName = new Map<string, Certificate[]>();

	constructor(roots: readonly Certificate[]) {
		for (const certificate of roots) {
			this.#byFingerprint.set(fingerprintOf(certificate), certificate);
			const name = toHex(certificate.subject);
			this.#byName.set(name, [...(this.#byName.get(name) ?? []), certificate]);
		}
	}

	get size(): number {
		return this.#byFingerprint.size;
	}

	has(fingerprint: string): boolean {
		return this.#byFingerprint.has(fingerprint);
	}

	/** DER, in the order in which they were given. */
	ders(): Uint8Array[] {
		return [...this.#byFingerprint.values()].map(({ der }) => der);
	}

	/** Roots with this subject (DER), at most `MAX_ROOTS_OF_ONE_NAME`. */
	named(subject: Uint8Array): readonly Certificate[] {
		return (this.#byName.get(toHex(subject)) ?? []).slice(0, MAX_ROOTS_OF_ONE_NAME);
	}
}

/** SHA-256 of a certificate in hexadecimal: how operators name one. */
export function fingerprintOf(certificate: Certificate): string {
	return toHex(sha256(certificate.der));
}
