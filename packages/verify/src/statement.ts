/**
 * The in-toto statement in a DSSE envelope: what it must look like, and which artifacts it is about.
 * https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 */
import { HASH_ALGORITHMS, HASHES } from '@chancery/core/algorithms';
import { fromUtf8, toHex } from '@chancery/core/bytes';
import { parseUniqueJson } from '@chancery/core/json';
import type { HashAlgorithm } from '@chancery/core/sha';
import type { DsseEnvelope } from '@chancery/wire/bundle';
import { malformation } from '@chancery/wire/schema-problem';
import { z } from 'zod';
import { VerifyError } from './verify-error.ts';

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPES = /^https:\/\/in-toto\.io\/Statement\/v(0\.1|1)$/;

const statement = z.looseObject({
	_type: z.string().regex(STATEMENT_TYPES, 'is not https://in-toto.io/Statement/v1 or v0.1'),
	subject: z.array(z.looseObject({ digest: z.record(z.string(), z.string()) })).max(1024),
});

/** The hashes by which the statement in the envelope names its artifacts. @throws {VerifyError} `statement-mismatch` */
export function digestNamesIn({
	payloadType,
	payload,
}: Pick<DsseEnvelope, 'payloadType' | 'payload'>): HashAlgorithm[] {
	const { subject } = parseStatement(payloadType, payload);
	return HASH_ALGORITHMS.filter((hash) => subject.some(({ digest }) => Object.hasOwn(digest, HASHES[hash].name)));
}

/**
 * Checks that the artifact is among the subjects of the statement. `digestOf` gives its digest by a hash, or undefined
 * where that one is not known.
 * @throws {VerifyError} `statement-mismatch` or `artifact-mismatch`
 */
export function checkStatement(
	{ payloadType, payload }: Pick<DsseEnvelope, 'payloadType' | 'payload'>,
	digestOf: (hash: HashAlgorithm) => Uint8Array | undefined,
): void {
	const { subject } = parseStatement(payloadType, payload);
	for (const hash of HASH_ALGORITHMS) {
		const { name } = HASHES[hash];
		const value = digestOf(hash);
		if (value === undefined) continue;
		const wanted = toHex(value);
		if (subject.some(({ digest }) => Object.hasOwn(digest, name) && digest[name] === wanted)) return;
	}
	throw new VerifyError('artifact-mismatch', 'the statement is about other artifacts');
}

function parseStatement(payloadType: string, payload: Uint8Array): z.output<typeof statement> {
	if (payloadType !== PAYLOAD_TYPE)
		throw new VerifyError('statement-mismatch', 'the envelope does not hold an in-toto statement', {
			expected: PAYLOAD_TYPE,
			found: payloadType,
		});
	try {
		return statement.parse(parseUniqueJson(fromUtf8(payload)));
	} catch (cause) {
		const reason = malformation(cause);
		if (reason === undefined) throw cause;
		throw new VerifyError('statement-mismatch', `the in-toto statement is malformed: ${reason}`, { cause });
	}
}
