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
	/** Policies that may be asked for; the first is the default. */
	readonly policyOids: readonly string[];
	/** What genTime may be off by, in seconds: a promise about the clock of this machine. */
	readonly accuracySeconds: number;
	readonly metrics: TsaMetrics;
}

/**
 * Issues one timestamp and answers the DER of a TimeStampResp with status granted. Nothing is stored but the
 * second that was reached (time-reserve.ts): a crash at any step leaves nothing else behind, and the client asks again.
 * @throws DomainError `unaccepted-policy`, `clock-behind`, `clock-apart`, `time-not-kept`, `certificate-not-valid`, `signing-failed`
 */
export async function issueTimestamp(deps: TimestampDeps, query: TimestampQuery): Promise<Uint8Array> {
	const { authority, metrics } = deps;

	// 1. The policy: the one asked for when it is offered, else the default. Never a silent replacement.
	const policy = query.policy ?? deps.policyOids[0];
	if (policy === undefined || !deps.policyOids.includes(policy))
		throw new DomainError('unaccepted-policy', `unaccepted policy: ${policy}; offered: ${deps.policyOids.join(', ')}`);

	// 2. The time. Taken before signing, so that a slow signer dates a token too early, never too late.
	const genTimeMs = await deps.time.next();
	const genTime = new Date(genTimeMs);

	// 3. The chain must be valid at that time: clients judge it at genTime, and a token outside can never be used.
	requireValidAt(authority, genTimeMs);

	// 4. What is stated. The imprint and the nonce are the requester's own bytes.
	const tstInfo = encodeTstInfo({
		policy,
		imprint: query.imprint,
		// Random, so that any number of replicas may share a name.
		serial: newSerialNumber(deps.random),
		genTime,
		accuracySeconds: deps.accuracySeconds,
		nonce: query.nonce,
	});

	// 5. The signature. Why a key service failed is for the log; the requester learns only that it did.
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
