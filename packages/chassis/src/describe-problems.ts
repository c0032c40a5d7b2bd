/** The problems of a value that a schema refused, in words for its sender. */
import { z } from 'zod';

/** Names of members that may be repeated: letters, at most with a version behind them. Random texts are not like this. */
const HARMLESS_NAME = /^[A-Za-z_]{1,30}[0-9]{0,3}$/;

/** Whoever sends more wrong things than this learns nothing from the others, and pays us nothing for wording them. */
const MAX_NAMED = 10;

/** One line per problem with its place, for the first ten. Never the value; and unknown members by name only when it looks like one. */
export function describeProblems({ issues }: z.ZodError): string {
	const more = issues.length - MAX_NAMED;
	const words = z.prettifyError({
		issues: issues.slice(0, MAX_NAMED).map((issue) => ({
			message: issue.code === 'unrecognized_keys' ? unknownMembers(issue.keys) : issue.message,
			path: issue.path.map((part) => (typeof part === 'number' || isHarmless(part) ? part : '...')),
		})),
	});
	return more > 0 ? `${words}\n  and ${more} more problems` : words;
}

function unknownMembers(keys: readonly string[]): string {
	const more = keys.length - MAX_NAMED;
	const named = keys.slice(0, MAX_NAMED).map((key) => (isHarmless(key) ? `"${key}"` : `(${key.length} characters)`));
	return `Unrecognized key${keys.length === 1 ? '' : 's'}: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function isHarmless(name: PropertyKey): boolean {
	return typeof name === 'string' && HARMLESS_NAME.test(name);
}
