/**
 * Why a bundle was refused. Verification ends in evidence or in exactly one of these; there is no third way.
 */

/** Stable codes; each names the check that failed. */
export type VerifyErrorCode =
	| 'bundle-malformed'
	| 'trusted-root-malformed'
	| 'artifact-mismatch'
	| 'signature-invalid'
	| 'statement-mismatch'
	| 'certificate-invalid'
	| 'certificate-untrusted'
	| 'sct-invalid'
	| 'timestamp-invalid'
	| 'timestamp-missing'
	| 'log-unknown'
	| 'log-entry-missing'
	| 'log-entry-mismatch'
	| 'inclusion-promise-invalid'
	| 'inclusion-proof-invalid'
	| 'checkpoint-invalid'
	| 'identity-mismatch'
	| 'key-mismatch';

export class VerifyError extends Error {
	override readonly name = 'VerifyError';
	readonly code: VerifyErrorCode;
	/** What the check wanted to see, where that can be said in a few words. */
	readonly expected: string | undefined;
	/** What the bundle, artifact or trusted root had instead. Attacker-controlled text. */
	readonly found: string | undefined;

	constructor(
		code: VerifyErrorCode,
		message: string,
		details: { expected?: string | undefined; found?: string | undefined; cause?: unknown } = {},
	) {
		const { expected, found, cause } = details;
		const comparison =
			expected === undefined ? '' : ` (expected ${expected}${found === undefined ? '' : `, found ${found}`})`;
		super(message + comparison, cause === undefined ? undefined : { cause });
		this.code = code;
		this.expected = expected;
		this.found = found;
	}
}
