/**
 * Writes a signature to a log, over either API, and puts the answer into a bundle. The answer is not trusted here; the
 * finished bundle is verified before it is returned.
 */
import { REGISTRY } from '@chancery/core/algorithm-registry';
import { fromBase64, fromHex, toBase64, toHex, utf8 } from '@chancery/core/bytes';
import { preAuthEncode } from '@chancery/core/dsse';
import { FormatError } from '@chancery/core/format-error';
import { encodePem } from '@chancery/core/pem';
import { sha256 } from '@chancery/core/sha';
import { CallError } from '@chancery/net/call';
import type { BundledLogEntry, DsseEnvelope } from '@chancery/wire/bundle';
import { createLogEntry, getLogEntryByUuid, type ProposedEntry } from '@chancery/wire/rekor-v1';
import { createEntry } from '@chancery/wire/rekor-v2';
import { ClientError } from './client-error.ts';
import { callWithRetries, type RetryPolicy } from './retried-call.ts';

/** What was signed: an artifact, of which the log gets only the SHA-256, or a DSSE envelope. */
export type LoggedContent =
	| { readonly kind: 'artifact'; readonly sha256: Uint8Array; readonly signature: Uint8Array }
	| { readonly kind: 'envelope'; readonly envelope: DsseEnvelope };

/** Of the ephemeral key, which is always of this kind. */
const { keyDetails: KEY_DETAILS } = REGISTRY['ecdsa-sha2-256-nistp256'];
/** A log answers when its published head covers the entry. */
const TIMEOUT_MS = 60_000;
const ENTRY_AT = /\/api\/v1\/log\/entries\/([0-9a-f]{64}|[0-9a-f]{80})$/;

/**
 * Writes an entry. When a log does not answer in time, it may have stored the entry: a retry finds it, at its first index.
 * @throws {ClientError} `log-refused`, `answer-malformed`
 */
export async function uploadEntry(
	log: { readonly url: string; readonly majorApiVersion: number },
	content: LoggedContent,
	/** DER certificate of the P-256 key that signed. */
	certificate: Uint8Array,
	fetchUsed: typeof fetch,
	retries: RetryPolicy,
): Promise<BundledLogEntry> {
	try {
		return log.majorApiVersion === 1
			? await uploadV1(log.url, content, certificate, fetchUsed, retries)
			: await uploadV2(log.url, content, certificate, fetchUsed, retries);
	} catch (cause) {
		if (cause instanceof CallError)
			throw new ClientError('log-refused', `the log took no entry: ${cause.message}`, { cause });
		if (cause instanceof FormatError)
			throw new ClientError('answer-malformed', `${log.url} answered a malformed entry: ${cause.message}`, { cause });
		throw cause;
	}
}

async function uploadV1(
	url: string,
	content: LoggedContent,
	certificate: Uint8Array,
	fetchUsed: typeof fetch,
	retries: RetryPolicy,
): Promise<BundledLogEntry> {
	const options = { fetch: fetchUsed, timeoutMs: TIMEOUT_MS };
	const body = proposeV1(content, toBase64(utf8(encodePem('CERTIFICATE', certificate))));
	const reply = await callWithRetries(createLogEntry, url, { body }, options, retries).catch((error: unknown) =>
		fetchOwnEntry(error, url, options, retries),
	);
	const [entry, second] = Object.values(reply.body);
	if (!entry || second) throw new ClientError('answer-malformed', `${url} answered something else than one entry`);
	const { inclusionProof, signedEntryTimestamp } = entry.verification;
	return {
		logIndex: entry.logIndex,
		logId: { keyId: fromHex(entry.logID) },
		kindVersion: { kind: body.kind, version: body.apiVersion },
		integratedTime: entry.integratedTime,
		inclusionPromise: { signedEntryTimestamp: fromBase64(signedEntryTimestamp) },
		inclusionProof: {
			logIndex: inclusionProof.logIndex,
			rootHash: fromHex(inclusionProof.rootHash),
			treeSize: inclusionProof.treeSize,
			hashes: inclusionProof.hashes.map(fromHex),
			checkpoint: { envelope: inclusionProof.checkpoint },
		},
		canonicalizedBody: fromBase64(entry.body),
	};
}

/**
 * Some logs refuse a repeated entry. When the answer to the first request was lost, the retry is refused with the place of
 * the entry. Whether it is our entry is checked when the finished bundle is verified: it must contain this signature.
 */
async function fetchOwnEntry(
	error: unknown,
	url: string,
	options: { readonly fetch: typeof fetch; readonly timeoutMs: number },
	retries: RetryPolicy,
) {
	const uuid =
		error instanceof CallError && error.status === 409 ? ENTRY_AT.exec(error.location ?? '')?.[1] : undefined;
	if (uuid === undefined) throw error;
	const reply = await callWithRetries(getLogEntryByUuid, url, { params: { entryUUID: uuid } }, options, retries);
	if (reply.status === 404) throw error;
	return reply;
}

function proposeV1(content: LoggedContent, verifier: string): ProposedEntry {
	if (content.kind === 'envelope')
		return {
			kind: 'dsse',
			apiVersion: '0.0.1',
			spec: { proposedContent: { envelope: JSON.stringify(envelopeJson(content.envelope)), verifiers: [verifier] } },
		};
	return {
		kind: 'hashedrekord',
		apiVersion: '0.0.1',
		spec: {
			data: { hash: { algorithm: 'sha256', value: toHex(content.sha256) } },
			signature: { content: toBase64(content.signature), publicKey: { content: verifier } },
		},
	};
}

async function uploadV2(
	url: string,
	content: LoggedContent,
	certificate: Uint8Array,
	fetchUsed: typeof fetch,
	retries: RetryPolicy,
): Promise<BundledLogEntry> {
	const [digest, signature] =
		content.kind === 'artifact' ? [content.sha256, content.signature] : envelopeDigest(content.envelope);
	const { body } = await callWithRetries(
		createEntry,
		url,
		{
			body: {
				hashedRekordRequestV002: {
					digest: toBase64(digest),
					signature: {
						content: toBase64(signature),
						verifier: { x509Certificate: { rawBytes: toBase64(certificate) }, keyDetails: KEY_DETAILS },
					},
				},
			},
		},
		{ fetch: fetchUsed, timeoutMs: TIMEOUT_MS },
		retries,
	);
	const { inclusionPromise: _none, integratedTime: _zero, ...entry } = body;
	return entry;
}

/** A v2 log takes an envelope as the digest of the signed bytes: its pre-authentication encoding. */
function envelopeDigest(envelope: DsseEnvelope): [digest: Uint8Array, signature: Uint8Array] {
	const [signature] = envelope.signatures;
	if (!signature) throw new ClientError('log-refused', 'the envelope is not signed');
	return [sha256(preAuthEncode(envelope.payloadType, envelope.payload)), signature.sig];
}

function envelopeJson({ payload, payloadType, signatures }: DsseEnvelope) {
	return {
		payload: toBase64(payload),
		payloadType,
		signatures: signatures.map(({ sig, keyid }) => ({ sig: toBase64(sig), keyid: keyid ?? '' })),
	};
}
