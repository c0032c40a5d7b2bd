/** A timestamp authority under load: every request has a digest and a nonce of its own, and asks for the certificate. */
import { randomBytes } from 'node:crypto';
import { encodeTlv, TAG_SEQUENCE } from '../judge/der.ts';
import { TimestampJudge, type TimestampRequest } from '../judge/timestamps.ts';
import type { TsaTarget } from './messages.ts';
import type { Subject } from './subject.ts';

const SHA256_OID = encodeTlv(0x06, Buffer.from('608648016503040201', 'hex'));
const NULL = encodeTlv(0x05);
const TRUE = encodeTlv(0x01, Buffer.of(0xff));

export function tsaSubject(target: TsaTarget): Subject<TimestampRequest> {
	const judge = new TimestampJudge(target.chain);
	const serials = new Set<string>();
	return {
		path: '/api/v1/timestamp',
		contentType: 'application/timestamp-query',
		successes: [200, 201],
		open: async () => undefined,
		make: makeRequest,
		judge: (request, body) => {
			const verdict = judge.judge(request, body);
			if (typeof verdict === 'string') return [verdict];
			if (serials.has(verdict.serial)) return [`serial number ${verdict.serial} was given out twice`];
			serials.add(verdict.serial);
			return [];
		},
		settle: async () => ({ history: 'serials differ', complaints: [] }),
	};
}

function makeRequest(): TimestampRequest {
	const digest = randomBytes(32);
	// A positive number without leading zeros.
	const nonce = Buffer.concat([Buffer.of(0x40), randomBytes(8)]);
	const imprint = encodeTlv(TAG_SEQUENCE, encodeTlv(TAG_SEQUENCE, SHA256_OID, NULL), encodeTlv(0x04, digest));
	const version = encodeTlv(0x02, Buffer.of(1));
	return { body: encodeTlv(TAG_SEQUENCE, version, imprint, encodeTlv(0x02, nonce), TRUE), digest, nonce };
}
