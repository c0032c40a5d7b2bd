/**
 * Keys in the format of TUF. Only the two kinds that every client verifies: Ed25519 and ECDSA P-256.
 */

import { DomainError } from '@chancery/chassis/domain-error';
import { registeredAlgorithm } from '@chancery/core/algorithm-registry';
import { fromHex, toHex } from '@chancery/core/bytes';
import { olpcCanonicalJson } from '@chancery/core/olpc-json';
import { encodePem, parsePem } from '@chancery/core/pem';
import { sha256 } from '@chancery/core/sha';
import { ed25519Spki, parseSpki } from '@chancery/core/spki';
import type { IdentifiedKey, TufKey } from './metadata.ts';

/**
 * The TUF form of a public key (DER SPKI). The id is SHA-256 over the canonical JSON of the whole key object, as the
 * specification says and sigstore-rs enforces.
 */
export function identifyKey(publicKey: Uint8Array): IdentifiedKey {
	const info = parseSpki(publicKey);
	const tuf = registeredAlgorithm(info, 'message')?.tuf;
	if (!tuf)
		throw new DomainError('unsupported-key', 'TUF keys are Ed25519 or ECDSA P-256; other keys fail in some clients');
	const key: TufKey = {
		...tuf,
		keyval: { public: info.ed25519 ? toHex(info.ed25519) : encodePem('PUBLIC KEY', publicKey) },
	};
	return { keyId: keyIdOf(key), key };
}

export function keyIdOf(key: TufKey): string {
	return toHex(sha256(olpcCanonicalJson(key)));
}

/** DER SPKI of a key. @throws {FormatError} when its value does not match its type */
export function publicKeyOf(key: TufKey): Uint8Array {
	if (key.keytype === 'ed25519') return ed25519Spki(fromHex(key.keyval.public));
	const [block] = parsePem(key.keyval.public);
	return block?.der ?? new Uint8Array();
}
