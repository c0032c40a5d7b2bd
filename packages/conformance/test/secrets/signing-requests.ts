/** The requests of clients to the authority and the logs, also with a private key in the place of the public one. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Asked, Recorder } from './recorder.ts';
import type { SecretRegistry } from './secret-registry.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');

export interface Certification {
	readonly version: 1 | 2;
	readonly token: string;
	/** Where the token is sent. Version 1 has only the header. */
	readonly where: 'header' | 'body';
	/** The identity of the proof of possession. */
	readonly subject: string;
	/** Proof of the key that the token is bound to (RFC 9449). */
	readonly dpop?: string;
	/** Sends the private key in the place of the public one. */
	readonly isConfused?: boolean;
}

/** A client's key; nobody else may ever have it. */
export function clientKey(registry: SecretRegistry): KeyObject {
	const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	registry.addKey("a client's key", privateKey);
	return privateKey;
}

export function certify(recorder: Recorder, caUrl: string, key: KeyObject, order: Certification): Promise<Asked> {
	const { version, token, where, subject, dpop, isConfused } = order;
	const pem = isConfused ? privatePem(key) : String(createPublicKey(key).export({ type: 'spki', format: 'pem' }));
	const proof = base64(sign('sha256', Buffer.from(subject), key));
	const body =
		version === 1
			? { publicKey: { content: base64(pem), algorithm: 'ecdsa' }, signedEmailAddress: proof }
			: {
					...(where === 'body' ? { credentials: { oidcIdentityToken: token } } : {}),
					publicKeyRequest: { publicKey: { algorithm: 'ECDSA', content: pem }, proofOfPossession: proof },
				};
	return recorder.ask(`of ca to version ${version}`, `${caUrl}/api/v${version}/signingCert`, {
		method: 'POST',
		headers: {
			...JSON_TYPE,
			...(where === 'header' ? { authorization: `Bearer ${token}` } : {}),
			...(dpop ? { dpop } : {}),
		},
		body: JSON.stringify(body),
	});
}

export interface LogUrls {
	readonly v1: string;
	readonly v2: string;
}

/** Entries of both wires: correct ones, and ones with a private key as verifier. */
export async function submitEntries(recorder: Recorder, urls: LogUrls, key: KeyObject): Promise<number[]> {
	const artifact = Buffer.from('an artifact');
	const digest = createHash('sha256').update(artifact);
	const content = base64(sign('sha256', artifact, key));
	const hex = digest.copy().digest('hex');
	const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
	const v1 = (pem: string) => ({
		apiVersion: '0.0.1',
		kind: 'hashedrekord',
		spec: { data: { hash: { algorithm: 'sha256', value: hex } }, signature: { content, publicKey: { content: pem } } },
	});
	const v2 = (rawBytes: string) => ({
		hashedRekordRequestV002: {
			digest: base64(Buffer.from(hex, 'hex')),
			signature: { content, verifier: { publicKey: { rawBytes }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' } },
		},
	});
	const spkiPem = base64(String(createPublicKey(key).export({ type: 'spki', format: 'pem' })));
	const statuses: number[] = [];
	for (const [url, body] of [
		[`${urls.v1}/api/v1/log/entries`, v1(spkiPem)],
		[`${urls.v1}/api/v1/log/entries`, v1(spkiPem)],
		[`${urls.v2}/api/v2/log/entries`, v2(base64(spki))],
		[`${urls.v1}/api/v1/log/entries`, v1(base64(privatePem(key)))],
		[`${urls.v1}/api/v1/log/entries`, v1(privatePem(key))],
		[
			`${urls.v1}/api/v1/log/entries`,
			v1(base64(Buffer.concat([Buffer.from(spkiPem, 'base64'), Buffer.from(privatePem(key))]))),
		],
		[`${urls.v2}/api/v2/log/entries`, v2(base64(key.export({ type: 'pkcs8', format: 'der' })))],
		[`${urls.v2}/api/v2/log/entries`, v2(base64(key.export({ type: 'sec1', format: 'der' })))],
		[`${urls.v2}/api/v2/log/entries`, v2(privatePem(key))],
	] as const)
		statuses.push(
			(
				await recorder.ask('of a log to an entry', url, {
					method: 'POST',
					headers: JSON_TYPE,
					body: JSON.stringify(body),
				})
			).status,
		);
	return statuses;
}

function privatePem(key: KeyObject): string {
	return String(key.export({ type: 'pkcs8', format: 'pem' }));
}
