/** The verifier's primitives from judges of their own: node:crypto for messages, the openssl command for digests. */
import { spawnSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CryptoPort } from '../src/crypto-port.ts';

const NAMES = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' } as const;

export const testCrypto: CryptoPort = {
	verify({ publicKey, message, signature, hash }) {
		try {
			const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
			return verify(key.asymmetricKeyType === 'ed25519' ? null : NAMES[hash], message, key, signature);
		} catch {
			return false;
		}
	},
	verifyDigest({ publicKey, hash, digest, signature }) {
		const folder = mkdtempSync(join(tmpdir(), 'chancery-verify-'));
		try {
			for (const [name, bytes] of Object.entries({ key: publicKey, digest, signature }))
				writeFileSync(join(folder, name), bytes);
			const options = ['-pubin', '-keyform', 'DER', '-inkey', 'key', '-in', 'digest', '-sigfile', 'signature'];
			const result = spawnSync('openssl', ['pkeyutl', '-verify', ...options, '-pkeyopt', `digest:${NAMES[hash]}`], {
				cwd: folder,
			});
			return result.status === 0;
		} finally {
			rmSync(folder, { recursive: true });
		}
	},
};
