/** Keys of the test authorities, straight from node:crypto. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export type KeyKind = 'p256' | 'p384' | 'p521' | 'ed25519' | 'rsa2048' | 'rsa1024';

export interface TestKey {
	readonly kind: KeyKind;
	readonly privateKey: KeyObject;
	/** DER SubjectPublicKeyInfo. */
	readonly spki: Uint8Array;
}

export function makeKey(kind: KeyKind = 'p256'): TestKey {
	const { privateKey, publicKey } = generate(kind);
	return { kind, privateKey, spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) };
}

/** Signs the message. ECDSA answers DER; `hash` is an OpenSSL name and not used by Ed25519. */
export function signWith(key: TestKey, message: Uint8Array, hash: string = hashOf(key.kind)): Uint8Array {
	return new Uint8Array(sign(key.kind === 'ed25519' ? null : hash, message, key.privateKey));
}

/** The hash that belongs to a kind of key. */
export function hashOf(kind: KeyKind): 'sha256' | 'sha384' | 'sha512' {
	if (kind === 'p384') return 'sha384';
	return kind === 'p521' || kind === 'ed25519' ? 'sha512' : 'sha256';
}

function generate(kind: KeyKind): { privateKey: KeyObject; publicKey: KeyObject } {
	switch (kind) {
		case 'p256':
		case 'p384':
		case 'p521':
			return generateKeyPairSync('ec', { namedCurve: kind.replace('p', 'P-') });
		case 'ed25519':
			return generateKeyPairSync('ed25519');
		case 'rsa2048':
		case 'rsa1024':
			return generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(3)) });
	}
}
