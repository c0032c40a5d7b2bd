import { ChanceryError } from './chancery-error.ts';

/**
 * The one error of every parser and encoder here: bytes or values that a format does not allow.
 *
 * Callers hand outside bytes to `core` and need exactly two outcomes: a value, or this error. Misuse by our own code
 * (a tree size that is not a safe integer) throws RangeError instead, because it is a bug and not an input.
 */
export class FormatError<Code extends string = string> extends ChanceryError<Code | 'malformed'> {
	/** The format that was violated, in the field's own words: `DER`, `signed note`, `checkpoint`. */
	readonly format: string;

	/** @param options.code what was wrong, where callers act on more than one way of being wrong */
	constructor(format: string, message: string, options: ErrorOptions & { readonly code?: Code } = {}) {
		const { code = 'malformed', ...rest } = options;
		super(code, `${format}: ${message}`, rest);
		this.format = format;
	}
}
