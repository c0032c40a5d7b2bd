/**
 * The canonical JSON of OLPC (http://wiki.laptop.org/go/Canonical_JSON), which TUF signs and derives key ids from.
 *
 * Unlike RFC 8785 only `"` and `\` are escaped: line feeds and all other characters stand raw in the text, so the
 * result is often not JSON at all. Numbers are integers. Implementations sort members by different units (UTF-16, code
 * points, bytes), which agree only below the surrogates; names above are refused.
 */
import { utf8 } from './bytes.ts';
import { FormatError } from './format-error.ts';

/** Deeper values are refused, so that no input can exhaust the stack. */
const MAX_DEPTH = 200;

/**
 * Canonical bytes (UTF-8) of a value made of plain objects, arrays, strings, safe integers, booleans and null.
 * Throws FormatError for anything else.
 */
export function olpcCanonicalJson(value: unknown): Uint8Array {
	return utf8(write(value, 0));
}

function write(value: unknown, depth: number): string {
	switch (typeof value) {
		case 'string':
			return quote(value);
		case 'number':
			if (!Number.isSafeInteger(value)) throw refused('a number that is not a safe integer');
			return Object.is(value, -0) ? '0' : String(value);
		case 'boolean':
			return value ? 'true' : 'false';
		case 'object':
			if (value === null) return 'null';
			if (depth === MAX_DEPTH) throw refused('nesting beyond 200 levels');
			if (Array.isArray(value)) return `[${Array.from(value, (item) => write(item, depth + 1)).join(',')}]`;
			return writeObject(value, depth + 1);
		default:
			throw refused(`a value of type ${typeof value}`);
	}
}

function writeObject(object: object, depth: number): string {
	const prototype: unknown = Object.getPrototypeOf(object);
	if (prototype !== Object.prototype && prototype !== null) throw refused('an object that is not plain');
	const members = Object.keys(object)
		.sort()
		.map((name) => {
			if (/[\ud800-\udfff]/.test(name)) throw refused('a member name beyond the basic plane');
			return `${quote(name)}:${write((object as Record<string, unknown>)[name], depth)}`;
		});
	return `{${members.join(',')}}`;
}

function quote(text: string): string {
	return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function refused(what: string): FormatError {
	return new FormatError('OLPC canonical JSON', `cannot carry ${what}`);
}
