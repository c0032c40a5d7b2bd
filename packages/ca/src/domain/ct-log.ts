/**
 * The certificate transparency log that every certificate must be in before anyone gets it (RFC 6962 section 4.2).
 */
import { setTimeout as pause } from 'node:timers/promises';
import { equalBytes, fromBase64, toBase64 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { parsePem } from '@chancery/core/pem';
import { sha256 } from '@chancery/core/sha';
import { type PublicKey, parsePublicKey } from '@chancery/keys/public-key';
import { CallError, call } from '@chancery/net/call';
import { explainTlsFailure } from '@chancery/net/tls-failure';
import { ReplyTooLongError, type Transport } from '@chancery/net/transport';
import { type AddChainReply, addPreChain, getRoots } from '@chancery/wire/ct';
import type { IssuingChain } from './issuing-chain.ts';
import { refuse } from './refusal.ts';

export interface CtLog {
	/** Base URL, without `/ct/v1`. */
	readonly url: string;
	/** DER of the SubjectPublicKeyInfo. */
	readonly publicKey: Uint8Array;
	/** The same, parsed. */
	readonly key: PublicKey;
	/** SHA-256 of `publicKey`. */
	readonly logId: Uint8Array;
	readonly transport: Transport;
}

/** Our log says after five seconds that it is late; we wait longer than that, to hear it. */
const ATTEMPT_TIMEOUT_MS = 6_000;
/** For all attempts together. Clients wait 30 s, for this and for all that comes before and after. */
const SUBMIT_TIMEOUT_MS = 12_000;
/** What a log that was stopped, started again or overloaded needs at least, and what we pass on of its own wishes. */
const RETRY_AFTER_MS = { least: 2_000, most: 60_000 };
const HEALTH_TIMEOUT_MS = 3_000;
const MAX_REPLY_BYTES = 64 * 1024;
const MAX_ROOTS_BYTES = 4 * 1024 * 1024;
/** Pauses before the second and third attempt, at least. A log that is busy says so with 429 or 503. */
const RETRY_PAUSES_MS = [100, 400];

/**
 * Describes the log. Clients verify SCTs with ECDSA on P-256 everywhere and with little else.
 * @throws {FormatError} when the PEM does not hold exactly such a key.
 */
export function describeCtLog(settings: { url: string; publicKeyPem: string }, transport: Transport): CtLog {
	const [block, ...more] = parsePem(settings.publicKeyPem);
	if (!block || more.length > 0 || block.label !== 'PUBLIC KEY')
		throw new FormatError('CT log key', 'not one PEM PUBLIC KEY');
	const key = parsePublicKey(block.der);
	if (key.info.curve !== 'P-256') throw new FormatError('CT log key', 'not ECDSA on P-256');
	return { url: settings.url, publicKey: block.der, key, logId: sha256(block.der), transport };
}

/**
 * Submits a precertificate with its issuers. A repeat of the same bytes is answered by the log with its first
 * timestamp, so that an attempt whose answer was lost may be made again.
 * @throws {DomainError} `ct-log-unavailable` when a later request may find the log well, else `ct-log-failed`
 */
export async function submitPrecertificate(
	log: CtLog,
	precertificate: Uint8Array,
	chain: IssuingChain,
): Promise<AddChainReply> {
	const body = { chain: [toBase64(precertificate), ...chain.base64] };
	const deadlineMs = performance.now() + SUBMIT_TIMEOUT_MS;
	for (let attempt = 0; ; attempt++) {
		const timeoutMs = Math.max(1, Math.min(ATTEMPT_TIMEOUT_MS, deadlineMs - performance.now()));
		try {
			const options = { transport: log.transport, timeoutMs, maxReplyBytes: MAX_REPLY_BYTES };
			return (await call(addPreChain, log.url, { body }, options)).body;
		} catch (error) {
			if (!(error instanceof CallError)) throw error;
			if (!isPassing(error)) throw refuse('ct-log-failed', hintOf(error), { cause: error });
			// A log that asks for more time than there is asks our client for it.
			const pauseMs = Math.max(RETRY_PAUSES_MS[attempt] ?? Number.POSITIVE_INFINITY, error.retryAfterMs ?? 0);
			if (performance.now() + pauseMs >= deadlineMs)
				throw refuse('ct-log-unavailable', `${hintOf(error)}; try again`, {
					cause: error,
					retryAfterSeconds: retryAfterSeconds(error),
				});
			await pause(pauseMs);
		}
	}
}

/** Whether the log answers and accepts our root, in words for readiness. Never throws. */
export async function probeCtLog(log: CtLog, chain: IssuingChain): Promise<{ ok: boolean; detail: string }> {
	try {
		const options = { transport: log.transport, timeoutMs: HEALTH_TIMEOUT_MS, maxReplyBytes: MAX_ROOTS_BYTES };
		const { certificates } = (await call(getRoots, log.url, {}, options)).body;
		if (certificates.some((text) => equalBytes(fromBase64(text), chain.root.der)))
			return { ok: true, detail: 'the log answers and accepts our root' };
		return { ok: false, detail: `the log does not accept our root (it accepts ${certificates.length})` };
	} catch (error) {
		if (error instanceof CallError) return { ok: false, detail: hintOf(error) };
		if (error instanceof FormatError) return { ok: false, detail: 'the log answers roots that are not base64' };
		throw error;
	}
}

const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504]);

/**
 * Whether the same submission may be taken later: the log, or a proxy before it, says so, or the connection did not last.
 * An answer that is none of the protocol, or a certificate that we do not trust, stays wrong until somebody mends it.
 */
function isPassing({ status, cause }: CallError): boolean {
	if (status !== undefined) return PASSING_STATUSES.has(status);
	if (cause === undefined || cause instanceof ReplyTooLongError) return false;
	return explainTlsFailure(cause, '') === undefined;
}

function retryAfterSeconds({ retryAfterMs = 0 }: CallError): number {
	return Math.min(Math.max(retryAfterMs, RETRY_AFTER_MS.least), RETRY_AFTER_MS.most) / 1000;
}

/** Says what a requester may know: not where the log is, nor what it said. */
function hintOf({ status }: CallError): string {
	if (status === undefined) return 'the log does not answer';
	return status < 300 ? 'the log answered something else than this protocol' : `the log answered ${status}`;
}
