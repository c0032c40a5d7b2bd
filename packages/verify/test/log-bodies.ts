/** What logs keep of a signature, per kind of entry, as plain JSON in its canonical form. */
import { createHash } from 'node:crypto';
import { toBase64, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { preAuthEncode } from '@chancery/core/dsse';
import { encodePem } from '@chancery/core/pem';

export interface LoggedSignature {
	/** OpenSSL name of the hash. */
	readonly hash: 'sha256' | 'sha384' | 'sha512';
	readonly signature: Uint8Array;
	/** Artifact or DSSE payload. */
	readonly content: Uint8Array;
	readonly payloadType: string;
	readonly isEnvelope: boolean;
	readonly verifier: { readonly kind: 'certificate' | 'publicKey'; readonly der: Uint8Array };
	readonly keyDetails: string;
}

export const KINDS = ['hashedrekord/0.0.1', 'hashedrekord/0.0.2', 'dsse/0.0.1', 'dsse/0.0.2', 'intoto/0.0.2'] as const;
export type Kind = (typeof KINDS)[number];

export function logBody(kind: Kind, logged: LoggedSignature): Uint8Array {
	const [name, apiVersion] = kind.split('/');
	return utf8(canonicalJson({ apiVersion, kind: name, spec: SPECS[kind](logged) }));
}

const SPECS: Readonly<Record<Kind, (logged: LoggedSignature) => object>> = {
	'hashedrekord/0.0.1': (logged) => ({
		data: { hash: { algorithm: logged.hash, value: hex(logged.hash, logged.content) } },
		signature: { content: toBase64(logged.signature), publicKey: { content: pem64(logged) } },
	}),
	'hashedrekord/0.0.2': (logged) => ({
		hashedRekordV002: {
			data: { algorithm: logged.hash.replace('sha', 'SHA2_'), digest: digest(logged.hash, signedBytes(logged)) },
			signature: signatureV2(logged),
		},
	}),
	'dsse/0.0.1': (logged) => ({
		envelopeHash: { algorithm: 'sha256', value: hex('sha256', utf8('envelope')) },
		payloadHash: { algorithm: 'sha256', value: hex('sha256', logged.content) },
		signatures: [{ signature: toBase64(logged.signature), verifier: pem64(logged) }],
	}),
	'dsse/0.0.2': (logged) => ({
		dsseV002: {
			payloadHash: { algorithm: 'SHA2_256', digest: digest('sha256', logged.content) },
			signatures: [signatureV2(logged)],
		},
	}),
	'intoto/0.0.2': (logged) => ({
		content: {
			envelope: {
				payloadType: logged.payloadType,
				signatures: [{ publicKey: pem64(logged), sig: toBase64(utf8(toBase64(logged.signature))) }],
			},
			hash: { algorithm: 'sha256', value: hex('sha256', utf8('envelope')) },
			payloadHash: { algorithm: 'sha256', value: hex('sha256', logged.content) },
		},
	}),
};

function signatureV2({ signature, verifier, keyDetails }: LoggedSignature): object {
	const key = { rawBytes: toBase64(verifier.der) };
	const named = verifier.kind === 'certificate' ? { x509Certificate: key } : { publicKey: key };
	return { content: toBase64(signature), verifier: { keyDetails, ...named } };
}

function signedBytes({ isEnvelope, payloadType, content }: LoggedSignature): Uint8Array {
	return isEnvelope ? preAuthEncode(payloadType, content) : content;
}

function pem64({ verifier }: LoggedSignature): string {
	return toBase64(utf8(encodePem(verifier.kind === 'certificate' ? 'CERTIFICATE' : 'PUBLIC KEY', verifier.der)));
}

const hex = (hash: string, bytes: Uint8Array) => createHash(hash).update(bytes).digest('hex');
const digest = (hash: string, bytes: Uint8Array) => createHash(hash).update(bytes).digest('base64');
