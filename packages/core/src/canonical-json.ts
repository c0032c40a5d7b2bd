/**
 * The JSON Canonicalization Scheme (RFC 8785): one text for one value, so that it can be hashed and signed.
 *
 * Members are sorted by UTF-16 code units (section 3.2.3), numbers and strings are written as ECMAScript writes them
 * (sections 3.2.2.2 and 3.2.2.3). What JSON cannot carry is refused instead of silently changed, as JSON.stringify would:
 * a value that is dropped here would be a value that is not signed.
 */
import { FormatError } from './format-error.ts';

/** Deeper values are refused, so that no input can exhaust the stack. */
const MAX_DEPTH = 200;

/**
 * Canonical text of a JSON value: plain objects, arrays, strings, finite numbers, booleans and null. Throws FormatError
 * for anything else (undefined, bigint, NaN, dates, class instances), for lone surrogates, and for nesting beyond 200.
 */
export function canonicalJson(value: unknown): string {
	return write(value, 0);
}

function write(value: unknown, depth: number): string {
	switch (typeof value) {
		case 'string':
			return quote(value);
		case 'number':
			if (!Number.isFinite(value)) throw refused('a number that is not finite');
			return Object.is(value, -0) ? '0' : String(value);
		case 'boolean':
			return value ? 'true' : 'false';
		case 'object':
			if (value === null) return 'null';
			if (depth === MAX_DEPTH) throw refused('nesting beyond 200 levels');
			return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1);
		default:
			throw refused(`a value of type ${typeof value}`);
	}
}

function writeArray(items: readonly unknown[], depth: number): string {
	let text = '[';
	for (let i = 0; i < items.length; i++) text += (i === 0 ? '' : ',') + write(items[i], depth);
	return `${text}]`;
}

function writeObject(object: object, depth: number): string {
	const prototype: unknown = Object.getPrototypeOf(object);
	if (prototype !== Object.prototype && prototype !== null) throw refused('an object that is not plain');
	let text = '{';
	// The default sort compares UTF-16 code units, which is the order of section 3.2.3.
	for (const name of Object.keys(object).sort()) {
		if (text.length > 1) text += ',';
		text += `${quote(name)}:${write((object as Record<string, unknown>)[name], depth)}`;
	}
	return `${text}}`;
}

function quote(text: string): string {
	// JSON.stringify would escape a lone surrogate; section 3.2.2.2 demands an error.
	if (!text.isWellFormed()) throw refused('half of a surrogate pair');
	return JSON.stringify(text);
}

function refused(what: string): FormatError {
	return new FormatError('canonical JSON', `cannot carry ${what}`);
}
