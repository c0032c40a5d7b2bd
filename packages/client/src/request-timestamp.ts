/** Requests a timestamp for a signature (RFC 3161 over HTTP). */

import { equalBytes } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { sha256 } from '@chancery/core/sha';
import {
	encodeTimeStampReq,
	parseTimeStampReq,
	parseTimeStampResp,
	parseTimeStampStatus,
} from '@chancery/core/timestamp';
import { CallError } from '@chancery/net/call';
import { timestamp } from '@chancery/wire/tsa';
import { ClientError } from './client-error.ts';
import { callWithRetries, type RetryPolicy } from './retried-call.ts';

/**
 * Returns the DER TimeStampResp over SHA-256 of `signature`. `tsaUrl` is the complete endpoint. The answer must belong to
 * this request (RFC 3161 section 2.2): the same imprint, and the nonce, which prevents the replay of an old answer. Who
 * signed it is checked when the finished bundle is verified.
 * @throws {ClientError} `timestamp-refused`, `answer-malformed`
 */
export async function requestTimestamp(
	tsaUrl: string,
	signature: Uint8Array,
	random: (n: number) => Uint8Array,
	fetchUsed: typeof fetch,
	retries: RetryPolicy,
): Promise<Uint8Array> {
	const nonce = random(8);
	const request = encodeTimeStampReq({
		imprint: { hashAlgorithm: 'SHA2_256', digest: sha256(signature) },
		nonce,
		certReq: true,
	});
	try {
		const { body } = await callWithRetries(
			{ ...timestamp, path: '' },
			tsaUrl,
			{ body: request },
			{
				fetch: fetchUsed,
				maxReplyBytes: 64 * 1024,
			},
			retries,
		);
		checkAnswer(request, body, tsaUrl);
		return body;
	} catch (cause) {
		if (cause instanceof FormatError)
			throw new ClientError('answer-malformed', `${tsaUrl} answered a malformed timestamp: ${cause.message}`, {
				cause,
			});
		if (!(cause instanceof CallError)) throw cause;
		throw new ClientError('timestamp-refused', `the timestamp authority gave no timestamp: ${cause.message}`, {
			cause,
		});
	}
}

function checkAnswer(request: Uint8Array, answer: Uint8Array, tsaUrl: string): void {
	const { status, statusText } = parseTimeStampStatus(answer);
	if (status > 1)
		throw new ClientError(
			'timestamp-refused',
			`${tsaUrl} refused with status ${status}${statusText.length > 0 ? `: ${JSON.stringify(statusText.join(' ').slice(0, 200))}` : ''}`,
		);
	const asked = parseTimeStampReq(request);
	const { imprint, nonce } = parseTimeStampResp(answer);
	const isAnswer =
		imprint.hashAlgorithm === asked.imprint.hashAlgorithm &&
		equalBytes(imprint.digest, asked.imprint.digest) &&
		nonce !== undefined &&
		asked.nonce !== undefined &&
		equalBytes(nonce, asked.nonce);
	if (!isAnswer) throw new ClientError('answer-malformed', `${tsaUrl} answered with the timestamp of another request`);
}
