/** The problems of a value that a schema refused, in words for its sender. */
import { z } from 'zod';

/** Names of members that may be repeated: letters, at most with a version behind them. Random texts are not like this. */
const HARMLESS_NAME = /^[A-Za-z_]{1,30}[0-9]{0,3}$/;

/** One line per problem with its place. Never the value; and unknown members by name only when it looks like one. */
export function describeProblems({ issues }: z.ZodError): string {
	return z.prettifyError({
		issues: issues.map((issue) => ({
			message: issue.code === 'unrecognized_keys' ? unknownMembers(issue.keys) : issue.message,
			path: issue.path.map((part) => (typeof part === 'number' || isHarmless(part) ? part : '...')),
		})),
	});
}

function unknownMembers(keys: readonly string[]): string {
	const named = keys.map((key) => (isHarmless(key) ? `"${key}"` : `(${key.length} characters)`));
	return `Unrecognized key${keys.length === 1 ? '' : 's'}: ${named.join(', ')}`;
}

function isHarmless(name: PropertyKey): boolean {
	return typeof name === 'string' && HARMLESS_NAME.test(name);
}
