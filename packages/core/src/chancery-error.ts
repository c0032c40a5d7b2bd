/**
 * The root of every error that is thrown on purpose. Its message is for the person who has to do something: what was
 * expected, what came, and what to do; it holds no secret. Whatever else is thrown is the system's, or a fault of ours
 * whose stack is wanted. Errors that only steer the flow of one file do not leave it and need not be of this kind.
 */
export abstract class ChanceryError<Code extends string = string> extends Error {
	/** Stable, lower case with hyphens: what scripts and tables compare. Messages may change, this does not. */
	readonly code: Code;

	constructor(code: Code, message: string, options?: ErrorOptions) {
		super(message, options);
		this.name = new.target.name;
		this.code = code;
	}
}
