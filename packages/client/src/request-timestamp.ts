/** Asking a timestamp authority (RFC 3161 over HTTP) to witness a signature. */

import { sha256 } from '@chancery/core/sha';
import { encodeTimeStampReq } from '@chancery/core/timestamp';
import { CallError, call } from '@chancery/wire/call';
import { timestamp } from '@chancery/wire/tsa';
import { ClientError } from './client-error.ts';

/**
 * Answers the DER TimeStampResp over SHA-256 of `signature`. `tsaUrl` is the complete endpoint. The nonce stops an old
 * answer from being replayed; that it came back is seen when the bundle is verified before it is given out.
 * @throws ClientError `timestamp-refused`
 */
export async function requestTimestamp(
	tsaUrl: string,
	signature: Uint8Array,
	random: (n: number) => Uint8Array,
	fetchUsed: typeof fetch,
): Promise<Uint8Array> {
	const nonce = random(8);
	const request = encodeTimeStampReq({
		imprint: { hashAlgorithm: 'SHA2_256', digest: sha256(signature) },
		nonce,
		certReq: true,
	});
	try {
		const { body } = await call(
			{ ...timestamp, path: '' },
			tsaUrl,
			{ body: request },
			{
				fetch: fetchUsed,
				maxReplyBytes: 64 * 1024,
			},
		);
		return body;
	} catch (cause) {
		if (!(cause instanceof CallError)) throw cause;
		throw new ClientError('timestamp-refused', `the timestamp authority gave no timestamp: ${cause.message}`, {
			cause,
		});
	}
}
