/**
 * Whether the two halves of a private key belong together. A key file names its public half beside the private one, and
 * OpenSSL believes it: a file that was damaged opens, and signs what nobody can verify.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

const PROBE = new TextEncoder().encode('Chancery asks whether this private key signs for its public half.');

/** Signs and verifies once. False also for a key that does not sign at all. */
export function halvesAgree(privateKey: KeyObject): boolean {
	const digest = /^ed(25519|448)$/.test(privateKey.asymmetricKeyType ?? '') ? null : 'sha256';
	try {
		return verify(digest, PROBE, createPublicKey(privateKey), sign(digest, PROBE, privateKey));
	} catch {
		return false;
	}
}
