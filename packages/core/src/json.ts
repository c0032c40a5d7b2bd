/**
 * JSON from outside (RFC 8259), with a bound on nesting and one typed error.
 */
import { fromUtf8 } from './bytes.ts';
import { FormatError } from './format-error.ts';

/**
 * Parses JSON text or its UTF-8 bytes. A member named `__proto__` becomes an ordinary own member, never a prototype; of
 * members with one name the last wins, as in every common reader. Throws FormatError when the text is not JSON or nests
 * deeper than `maxDepth` (default 64): recursive readers behind this one then need no bound of their own.
 */
export function parseJson(input: string | Uint8Array, { maxDepth = 64 }: { maxDepth?: number } = {}): unknown {
	const text = typeof input === 'string' ? input : fromUtf8(input);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (cause) {
		// The engine's message quotes the input, which may hold a token: it stays in the cause.
		throw new FormatError('JSON', 'not valid', { cause });
	}
	if (isDeeper(value, maxDepth)) throw new FormatError('JSON', `nested deeper than ${maxDepth} levels`);
	return value;
}

/** Whether containers nest beyond `levels`; goes no deeper than that itself. */
function isDeeper(value: unknown, levels: number): boolean {
	if (typeof value !== 'object' || value === null) return false;
	if (levels === 0) return true;
	for (const member of Object.values(value)) if (isDeeper(member, levels - 1)) return true;
	return false;
}
