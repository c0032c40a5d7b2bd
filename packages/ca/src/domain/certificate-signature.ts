/**
 * Whether a key has signed a certificate, as OpenSSL sees it: a second reader beside our own.
 */
import { type KeyObject, X509Certificate } from 'node:crypto';

/** False also for bytes that OpenSSL does not take for a certificate. */
export function isSignedBy(der: Uint8Array, key: KeyObject): boolean {
	try {
		return new X509Certificate(der).verify(key);
	} catch {
		// OpenSSL throws where it cannot read: whatever it cannot read, it has not verified.
		return false;
	}
}
