/** The command line was wrong: exit code 2, one line, and where the help is. */
export class UsageError extends Error {
	override readonly name = 'UsageError';
}
