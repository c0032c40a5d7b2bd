/** Valid entries in any number, signed with node:crypto, as clients of each wire send them. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { Authority, Precertificate } from './precertificates.ts';

export type LogName = 'v1' | 'v2' | 'ct';
export const LOG_NAMES: readonly LogName[] = ['v1', 'v2', 'ct'];

export type Wire = 'hashedrekord-v1' | 'dsse-v1' | 'hashedrekord-v2' | 'precertificate';

export interface Proposal {
	readonly log: LogName;
	readonly wire: Wire;
	readonly path: string;
	/** JSON. */
	readonly body: Buffer;
	/** A text that only this entry's leaf contains; of a precertificate its hash, which no leaf contains. */
	readonly trace: string;
	readonly precertificate?: Precertificate;
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Makes proposals with one key; each call another one. */
export function createProposer(label: string, authority: Authority): (wire: Wire) => Proposal {
	const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const pem = base64(publicKey.export({ type: 'spki', format: 'pem' }) as string);
	const der = base64(publicKey.export({ type: 'spki', format: 'der' }));
	let count = 0;

	const makers: Record<Wire, (text: string) => Proposal> = {
		'hashedrekord-v1': (text) => {
			const content = base64(sign('sha256', Buffer.from(text), privateKey));
			const value = createHash('sha256').update(text).digest('hex');
			const spec = {
				data: { hash: { algorithm: 'sha256', value } },
				signature: { content, publicKey: { content: pem } },
			};
			return {
				log: 'v1',
				wire: 'hashedrekord-v1',
				path: '/api/v1/log/entries',
				body: json({ apiVersion: '0.0.1', kind: 'hashedrekord', spec }),
				trace: content,
			};
		},
		'dsse-v1': (text) => {
			const payload = json({ _type: 'https://in-toto.io/Statement/v1', subject: [], predicate: text });
			const encoded = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} ${payload}`;
			const sig = base64(sign('sha256', Buffer.from(encoded), privateKey));
			const envelope = JSON.stringify({
				payload: base64(payload),
				payloadType: PAYLOAD_TYPE,
				signatures: [{ sig }],
			});
			return {
				log: 'v1',
				wire: 'dsse-v1',
				path: '/api/v1/log/entries',
				body: json({
					apiVersion: '0.0.1',
					kind: 'dsse',
					spec: { proposedContent: { envelope, verifiers: [pem] } },
				}),
				trace: sig,
			};
		},
		'hashedrekord-v2': (text) => {
			const content = base64(sign('sha256', Buffer.from(text), privateKey));
			const verifier = { publicKey: { rawBytes: der }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' };
			const digest = createHash('sha256').update(text).digest('base64');
			return {
				log: 'v2',
				wire: 'hashedrekord-v2',
				path: '/api/v2/log/entries',
				body: json({ hashedRekordRequestV002: { digest, signature: { content, verifier } } }),
				trace: content,
			};
		},
		precertificate: () => {
			const precertificate = authority.issue();
			return {
				log: 'ct',
				wire: 'precertificate',
				path: '/ct/v1/add-pre-chain',
				body: json({ chain: precertificate.chain }),
				trace: createHash('sha256').update(precertificate.tbs).digest('base64'),
				precertificate,
			};
		},
	};
	return (wire) => {
		count += 1;
		return makers[wire](`${label} ${count}`);
	};
}
