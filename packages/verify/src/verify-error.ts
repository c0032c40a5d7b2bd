/**
 * Why a bundle was refused. Verification ends in evidence or in exactly one of these; there is no third way.
 */

import { ChanceryError } from '@chancery/core/chancery-error';
import { FormatError } from '@chancery/core/format-error';

/** Stable codes; each names the check that failed. */
export const VERIFY_ERROR_CODES = [
	'bundle-malformed',
	'trusted-root-malformed',
	'artifact-mismatch',
	'signature-invalid',
	'statement-mismatch',
	'certificate-invalid',
	'certificate-untrusted',
	'sct-invalid',
	'timestamp-invalid',
	'timestamp-missing',
	'log-unknown',
	'log-entry-missing',
	'log-entry-mismatch',
	'inclusion-promise-invalid',
	'inclusion-proof-invalid',
	'checkpoint-invalid',
	'identity-mismatch',
	'key-mismatch',
] as const;

export type VerifyErrorCode = (typeof VERIFY_ERROR_CODES)[number];

/** A refusal is printed on terminals and kept in logs: what an attacker put into it must not fill or steer them. */
const MAX_MESSAGE_CHARS = 4000;
const MAX_DETAIL_CHARS = 400;

export class VerifyError extends ChanceryError<VerifyErrorCode> {
	/** What the check wanted to see, where that can be said in a few words. */
	readonly expected: string | undefined;
	/** What the bundle, artifact or trusted root had instead. Attacker-controlled text. */
	readonly found: string | undefined;

	constructor(
		code: VerifyErrorCode,
		message: string,
		details: { expected?: string | undefined; found?: string | undefined; cause?: unknown } = {},
	) {
		const expected = details.expected === undefined ? undefined : printable(details.expected, MAX_DETAIL_CHARS);
		const found = details.found === undefined ? undefined : printable(details.found, MAX_DETAIL_CHARS);
		const comparison =
			expected === undefined ? '' : ` (expected ${expected}${found === undefined ? '' : `, found ${found}`})`;
		super(
			code,
			printable(message, MAX_MESSAGE_CHARS) + comparison,
			details.cause === undefined ? undefined : { cause: details.cause },
		);
		this.expected = expected;
		this.found = found;
	}
}

/**
 * Returns what `read` reads. What a parser refuses becomes a refusal of the bundle with this code.
 * @throws {VerifyError}
 */
export function readOr<T>(code: VerifyErrorCode, what: string, read: () => T): T {
	try {
		return read();
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw new VerifyError(code, `${what} is malformed: ${cause.message}`, { cause });
	}
}

/** One line, bounded, and without control and formatting characters. */
function printable(text: string, maxChars: number): string {
	const clean = text
		.slice(0, 2 * maxChars)
		.replace(/\n[ \t]*/g, ' ')
		.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\ufffd');
	return clean.length > maxChars ? `${clean.slice(0, maxChars)}...` : clean;
}
