/**
 * The one error of every parser and encoder here: bytes or values that a format does not allow.
 *
 * Callers hand outside bytes to `core` and need exactly two outcomes: a value, or this error. Misuse by our own code
 * (a tree size that is not a safe integer) throws RangeError instead, because it is a bug and not an input.
 */
export class FormatError extends Error {
	override readonly name: string = 'FormatError';
	/** The format that was violated, in the field's own words: `DER`, `signed note`, `checkpoint`. */
	readonly format: string;

	constructor(format: string, message: string, options?: ErrorOptions) {
		super(`${format}: ${message}`, options);
		this.format = format;
	}
}
