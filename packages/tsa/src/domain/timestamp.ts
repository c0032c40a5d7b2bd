/** How a timestamp is issued, from a parsed request to the DER of the answer. */

import { DomainError } from '@chancery/chassis/domain-error';
import { newSerialNumber } from '@chancery/core/certificate-encoding';
import type { TsaMetrics } from '../metrics.ts';
import { type Authority, requireValidAt } from './authority.ts';
import type { IssuingTime } from './issuing-time.ts';
import type { TimestampQuery } from './timestamp-query.ts';
import { encodeGranted } from './timestamp-response.ts';
import { encodeTstInfo, signToken } from './timestamp-token.ts';

export interface TimestampDeps {
	readonly authority: Authority;
	readonly time: IssuingTime;
	readonly random: (length: number) => Uint8Array;
	/** Policies that may be requested; the first is the default. */
	readonly policyOids: readonly string[];
	/** How far genTime may be from the true time, in seconds: a promise about the clock of this machine. */
	readonly accuracySeconds: number;
	readonly metrics: TsaMetrics;
}

/**
 * Issues one timestamp and returns the DER of a TimeStampResp with status granted. Only the reached second is stored
 * (time-reserve.ts): a crash at any step leaves nothing else behind, and the client asks again.
 * @throws {DomainError} `unaccepted-policy`, `clock-behind`, `clock-apart`, `time-not-kept`, `certificate-not-valid`, `signing-failed`
 */
export async function issueTimestamp(deps: TimestampDeps, query: TimestampQuery): Promise<Uint8Array> {
	const { authority, metrics } = deps;

	// 1. The policy: the requested one if it is offered, else the default. Never replaced silently.
	const policy = query.policy ?? deps.policyOids[0];
	if (policy === undefined || !deps.policyOids.includes(policy))
		throw new DomainError('unaccepted-policy', `unaccepted policy: ${policy}; offered: ${deps.policyOids.join(', ')}`);

	// 2. The time. Taken before signing, so that with a slow signer the time is too early, never too late.
	const genTimeMs = await deps.time.next();
	const genTime = new Date(genTimeMs);

	// 3. The chain must be valid at that time: clients check it at genTime, and a token outside of it is useless.
	requireValidAt(authority, genTimeMs);

	// 4. The content. The imprint and the nonce are the requester's own bytes.
	const tstInfo = encodeTstInfo({
		policy,
		imprint: query.imprint,
		// Random, so that replicas may share a name, however many they are.
		serial: newSerialNumber(deps.random),
		genTime,
		accuracySeconds: deps.accuracySeconds,
		nonce: query.nonce,
	});

	// 5. The signature. Why a key service failed goes to the log; the requester learns only that it failed.
	let token: Uint8Array;
	try {
		token = await metrics.time('chancery_tsa_signing_duration_seconds', () =>
			signToken(authority, tstInfo, { genTime, includeCertificate: query.certReq }),
		);
	} catch (error) {
		throw new DomainError('signing-failed', 'Error generating timestamp response: the key did not sign', {
			cause: error,
		});
	}
	metrics.count('chancery_tsa_timestamps_issued_total', 1);
	return encodeGranted(token);
}
