/**
 * What signing clients bring: a fresh key, a proof of possession, or a certification request made by openssl.
 */
import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'RSA-2048' | 'RSA-3072' | 'Ed25519';

export interface ClientKey {
	readonly privateKey: KeyObject;
	/** DER of the SubjectPublicKeyInfo. */
	readonly spki: Uint8Array;
	readonly pem: string;
	/** Proof of possession in base64. */
	prove(challenge: string): string;
}

const HASHES: Readonly<Record<KeyKind, string | null>> = {
	'P-256': 'sha256',
	'P-384': 'sha384',
	'P-521': 'sha512',
	'RSA-2048': 'sha256',
	'RSA-3072': 'sha256',
	Ed25519: null,
};

export function generateClientKey(kind: KeyKind = 'P-256'): ClientKey {
	if (kind === 'Ed25519') return clientKey(generateKeyPairSync('ed25519').privateKey, null);
	if (kind === 'RSA-2048' || kind === 'RSA-3072')
		return clientKey(generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(4)) }).privateKey);
	return clientKey(generateKeyPairSync('ec', { namedCurve: kind }).privateKey, HASHES[kind]);
}

/** A client with any key, also ones that are refused. */
export function clientKey(privateKey: KeyObject, hash: string | null = 'sha256'): ClientKey {
	const publicKey = createPublicKey(privateKey);
	return {
		privateKey,
		spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
		pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
		prove: (challenge) => sign(hash, Buffer.from(challenge), privateKey).toString('base64'),
	};
}

/** PEM of a PKCS#10 request, by openssl; `extra` are options of `openssl req`. */
export function certificationRequest(key: ClientKey, extra: readonly string[] = []): string {
	// A file, because openssl opens its key by name and the standard input of a child is a socket here.
	const folder = mkdtempSync(join(tmpdir(), 'chancery-csr-'));
	try {
		const path = join(folder, 'key.pem');
		writeFileSync(path, key.privateKey.export({ type: 'pkcs8', format: 'pem' }));
		const args = ['req', '-new', '-batch', '-config', '/dev/null', '-subj', '/', '-key', path, ...extra];
		return execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** Body of a v2 request with a key and its proof. */
export function keyRequest(key: ClientKey, challenge: string, token?: string): Record<string, unknown> {
	return {
		...(token === undefined ? {} : { credentials: { oidcIdentityToken: token } }),
		publicKeyRequest: {
			publicKey: { algorithm: 'ECDSA', content: key.pem },
			proofOfPossession: key.prove(challenge),
		},
	};
}
