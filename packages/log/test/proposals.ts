/**
 * Entries to log, signed as clients sign them.
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { preAuthEncode } from '@chancery/core/dsse';

export interface KeyPair {
	readonly publicKey: KeyObject;
	readonly privateKey: KeyObject;
}

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');

export function newKey(): KeyPair {
	return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

export function pemOf(key: KeyPair): string {
	return key.publicKey.export({ type: 'spki', format: 'pem' }) as string;
}

/** A hashedrekord 0.0.1; `pem` replaces the bare key by a certificate for it. */
export function hashedrekord(artifact: string, key: KeyPair, pem = pemOf(key)) {
	return {
		apiVersion: '0.0.1',
		kind: 'hashedrekord',
		spec: {
			data: { hash: { algorithm: 'sha256', value: createHash('sha256').update(artifact).digest('hex') } },
			signature: {
				content: base64(sign('sha256', Buffer.from(artifact), key.privateKey)),
				publicKey: { content: base64(pem) },
			},
		},
	};
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

export function envelope(statement: object, key: KeyPair) {
	const payload = Buffer.from(JSON.stringify(statement));
	return {
		payload: base64(payload),
		payloadType: PAYLOAD_TYPE,
		signatures: [{ sig: base64(sign('sha256', preAuthEncode(PAYLOAD_TYPE, payload), key.privateKey)) }],
	};
}

export function dsse(statement: object, key: KeyPair) {
	return {
		apiVersion: '0.0.1',
		kind: 'dsse',
		spec: {
			proposedContent: { envelope: JSON.stringify(envelope(statement, key)), verifiers: [base64(pemOf(key))] },
		},
	};
}

/** A v2 request with a bare key. */
export function hashedRekordRequest(artifact: string, key: KeyPair) {
	return {
		hashedRekordRequestV002: {
			digest: createHash('sha256').update(artifact).digest('base64'),
			signature: {
				content: base64(sign('sha256', Buffer.from(artifact), key.privateKey)),
				verifier: verifierOf(key),
			},
		},
	};
}

export function verifierOf(key: KeyPair) {
	return {
		publicKey: { rawBytes: base64(key.publicKey.export({ type: 'spki', format: 'der' })) },
		keyDetails: 'PKIX_ECDSA_P256_SHA_256',
	};
}
