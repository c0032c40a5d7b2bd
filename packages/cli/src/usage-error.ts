import { ChanceryError } from '@chancery/core/chancery-error';

/** The command line was wrong: exit code 2, one line, and where the help is. */
export class UsageError extends ChanceryError<'usage'> {
	constructor(message: string, options?: ErrorOptions) {
		super('usage', message, options);
	}
}
