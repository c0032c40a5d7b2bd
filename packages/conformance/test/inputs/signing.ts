/** Fresh keys, signatures and certificates for examples: what a client that uses its key once would send. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { type HostileKey, pemOf } from './hostile-keys.ts';
import { send } from './probe.ts';
import { claimsFor, type Subject, signToken } from './subject.ts';

const EMAIL = 'certified@example.com';

/** The base64 of its public half has a character that the URL-safe alphabet spells differently. */
export function freshKey(namedCurve = 'P-256'): KeyObject {
	for (;;) {
		const { privateKey } = generateKeyPairSync('ec', { namedCurve });
		if (/[+/]/.test(spkiOf(privateKey).toString('base64'))) return privateKey;
	}
}

export const spkiOf = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' });

/** Base64 of the PEM of the public key, as the v1 log takes it. */
export const pemBase64Of = (spki: Uint8Array): string => Buffer.from(pemOf('PUBLIC KEY', spki)).toString('base64');

/**
 * A signature whose base64 has padding and a character that the URL-safe alphabet spells differently, so that each other
 * spelling of it really is another text.
 */
export function tellingSignature(key: KeyObject, message: Uint8Array, hash: string | null = 'sha256'): Buffer {
	for (;;) {
		const signature = sign(hash, message, key);
		// Only ECDSA makes another one at the next try.
		if (key.asymmetricKeyType !== 'ec' || /[+/].*=$/.test(signature.toString('base64'))) return signature;
	}
}

/** Whoever can sign with the key does; where nobody can, the signature is somebody's. */
export function signerOf({ privateKey }: HostileKey): KeyObject {
	return privateKey && ['rsa', 'ec'].includes(privateKey.asymmetricKeyType ?? '') ? privateKey : freshKey();
}

/** A certificate of the instance for a fresh key: base64 DER of the leaf and of its issuers. */
export async function issueCertificate(subject: Subject): Promise<{ key: KeyObject; chain: string[] }> {
	const key = freshKey();
	const body = {
		credentials: { oidcIdentityToken: signToken(claimsFor(subject, EMAIL), subject.issuerKey) },
		publicKeyRequest: {
			publicKey: { content: pemOf('PUBLIC KEY', spkiOf(key)) },
			proofOfPossession: sign('sha256', Buffer.from(EMAIL), key).toString('base64'),
		},
	};
	const headers = { 'content-type': 'application/json' };
	const request = { method: 'POST', path: '/api/v2/signingCert', headers, body: JSON.stringify(body) };
	const answer = JSON.parse(String((await send(subject.urls.ca, request)).body));
	const pems = answer.signedCertificateEmbeddedSct.chain.certificates as string[];
	return { key, chain: pems.map((pem) => pem.replace(/-----[^-]+-----|\s/g, '')) };
}
