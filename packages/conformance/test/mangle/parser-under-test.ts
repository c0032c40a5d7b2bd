/** A row of the table: one parser of outside bytes, and what it may do with whatever comes. */
import { DomainError } from '@chancery/chassis/domain-error';
import { equalBytes, utf8 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { EntryRefusal } from '@chancery/wire/entries/entry-refusal';

export interface ParserUnderTest {
	readonly name: string;
	/** Inputs that it accepts. */
	readonly seeds: readonly Uint8Array[];
	/** How many cases it gets for one of the others; costly parsers get fewer. */
	readonly share: number;
	/** A refusal that the parser promises. Everything else that is thrown is a fault. */
	readonly isRefusal: (error: unknown) => boolean;
	/**
	 * Reads the input and looks at what came of it. Throws what the parser throws; answers what is wrong with an
	 * accepted value, or undefined when nothing is.
	 */
	readonly read: (input: Uint8Array) => string | undefined | Promise<string | undefined>;
}

/** Makes a row; `check` sees accepted values and answers what is wrong with one. */
export function parser<T>(row: {
	readonly name: string;
	readonly seeds: readonly (Uint8Array | string)[];
	readonly share?: number;
	readonly refusals: (error: unknown) => boolean;
	readonly parse: (input: Uint8Array) => T | Promise<T>;
	readonly check: (value: T, input: Uint8Array) => string | undefined | Promise<string | undefined>;
}): ParserUnderTest {
	return {
		name: row.name,
		// Copies: a Buffer lies in memory that it shares, and its slices are views.
		seeds: row.seeds.map((one) => (typeof one === 'string' ? utf8(one) : new Uint8Array(one))),
		share: row.share ?? 1,
		isRefusal: row.refusals,
		read: (input) => {
			const value = row.parse(input);
			// A promise costs a turn of the event loop: parsers that need none are not made to wait.
			return value instanceof Promise
				? value.then((one) => looked(row.check, one, input))
				: looked(row.check, value, input);
		},
	};
}

/** What is thrown while a value is looked at is no refusal of the input, whatever its type: the value was accepted. */
function looked<T>(
	check: (value: T, input: Uint8Array) => string | undefined | Promise<string | undefined>,
	value: T,
	input: Uint8Array,
): string | undefined | Promise<string | undefined> {
	try {
		const complaint = check(value, input);
		return complaint instanceof Promise ? complaint.catch(unusable) : complaint;
	} catch (error) {
		return unusable(error);
	}
}

function unusable(error: unknown): string {
	return `it cannot be used: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

export const formatError = (error: unknown): boolean => error instanceof FormatError;

/** By name: the schemas are those of other packages, and so is their library. */
export const zodError = (error: unknown): boolean => error instanceof Error && error.name === 'ZodError';

/** A schema of `wire`, as far as it matters here. */
export interface Schema {
	parse(value: unknown): unknown;
	encode(value: never): unknown;
}

/**
 * Written by the schema and read again the value is the same. Schemas that only read are asked nothing: there is no
 * writer whose bytes could differ.
 */
export function reread(schema: Schema, value: unknown): string | undefined {
	let written: unknown;
	try {
		written = schema.encode(value as never);
	} catch (error) {
		if (error instanceof Error && error.name === 'ZodEncodeError') return undefined;
		throw error;
	}
	return sameText(JSON.stringify(schema.parse(JSON.parse(JSON.stringify(written)))), JSON.stringify(value));
}

export function domainError(...codes: readonly string[]): (error: unknown) => boolean {
	return (error) => error instanceof DomainError && codes.includes(error.code);
}

export function entryRefusal(...codes: readonly string[]): (error: unknown) => boolean {
	return (error) => error instanceof EntryRefusal && codes.includes(error.code);
}

export function anyOf(...refusals: readonly ((error: unknown) => boolean)[]): (error: unknown) => boolean {
	return (error) => refusals.some((isRefusal) => isRefusal(error));
}

/** The encoder gave these bytes for what was read from `input`. */
export function sameBytes(written: Uint8Array, input: Uint8Array): string | undefined {
	return equalBytes(written, input) ? undefined : 'written again it has other bytes';
}

export function sameText(written: string, text: string): string | undefined {
	return written === text ? undefined : `written again it is another text: ${JSON.stringify(written.slice(0, 200))}`;
}

/**
 * The text of an input, for parsers that take one. What is no UTF-8 becomes U+FFFD, and U+F8FF stands for half of a
 * surrogate pair, which no bytes can say but every JavaScript string can hold.
 */
export function textOf(input: Uint8Array): string {
	return decoder.decode(input).replaceAll('\uf8ff', '\ud800');
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The first complaint, where there is one. */
export function complaint(...checks: readonly (string | undefined | false)[]): string | undefined {
	return checks.find((one) => typeof one === 'string') || undefined;
}
