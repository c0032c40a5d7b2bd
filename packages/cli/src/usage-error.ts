import { ChanceryError } from '@chancery/core/chancery-error';

/** The command line was wrong: exit code 2, and one line that names the help. */
export class UsageError extends ChanceryError<'usage'> {
	constructor(message: string, options?: ErrorOptions) {
		super('usage', message, options);
	}
}
