/** What a schema refused, as part of one line: place and reason, for messages that a person reads on a terminal. */
import { FormatError } from '@chancery/core/format-error';
import { z } from 'zod';

const MAX_PROBLEMS = 3;
const MAX_NAME_CHARS = 60;
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `subject[0].digest is missing; ...`: the first problems, in the order of the schema, and how many more there are. */
export function schemaProblem({ issues }: Pick<z.ZodError, 'issues'>): string {
	const shown = issues.slice(0, MAX_PROBLEMS).map(describe);
	const more = issues.length - shown.length;
	return [...shown, ...(more > 0 ? [`and ${more} more of these`] : [])].join('; ').replaceAll(/\s+/g, ' ');
}

/** The reason when `error` is what a schema or a parser throws for a value from outside; undefined for anything else. */
export function malformation(error: unknown): string | undefined {
	if (error instanceof z.ZodError) return schemaProblem(error);
	return error instanceof FormatError ? error.message : undefined;
}

function describe(issue: z.core.$ZodIssue): string {
	const place = placeOf(issue.path);
	if (issue.code === 'unrecognized_keys') {
		const [first = ''] = issue.keys;
		const others = issue.keys.length > 1 ? ` and ${issue.keys.length - 1} others` : '';
		return `${place || 'it'} has the unknown member ${quoted(first)}${others}`;
	}
	const message = issue.message.replace(/^Invalid input: /, '');
	const expected = /^expected (.+), received undefined$/.exec(message)?.[1];
	if (expected !== undefined) return place ? `${place} is missing (${expected})` : `nothing is there (${expected})`;
	return place ? `${place}: ${message}` : message;
}

function placeOf(path: readonly PropertyKey[]): string {
	return path
		.map((part, i) => {
			if (typeof part === 'number') return `[${part}]`;
			const name = String(part);
			if (!PLAIN_NAME.test(name) || name.length > MAX_NAME_CHARS) return `[${quoted(name)}]`;
			return i === 0 ? name : `.${name}`;
		})
		.join('');
}

/** A stranger chose the name. */
function quoted(name: string): string {
	return JSON.stringify(name.length > MAX_NAME_CHARS ? `${name.slice(0, MAX_NAME_CHARS)}...` : name);
}
