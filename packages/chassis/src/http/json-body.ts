/**
 * JSON of a request body, from bytes that an attacker chooses. Only `DomainError('invalid-json')` is thrown.
 */
import { hasMoreStructure } from '@chancery/core/json';
import { DomainError } from '../domain-error.ts';

/** Deeper than any message of our wires; schemas and encoders recurse, so the depth is decided here. */
export const MAX_JSON_DEPTH = 64;

/**
 * Braces, brackets, commas and colons of a body. Those of clients have some dozens, and the metadata of some hundred
 * targets some thousand; whatever has no more is read in 20 ms.
 */
export const MAX_JSON_STRUCTURE = 16_384;

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Parses the whole body as one JSON value (RFC 8259): UTF-8, at most `MAX_JSON_DEPTH` levels, at most
 * `MAX_JSON_STRUCTURE` characters of structure, only finite numbers (`1e999` would become Infinity), and no member
 * `__proto__`.
 * @throws {DomainError} `invalid-json`
 */
export function parseJsonBody(bytes: Uint8Array | undefined): unknown {
	if (bytes === undefined || bytes.length === 0) throw invalid('a JSON body is required and the request has none');
	if (hasMoreStructure(bytes, MAX_JSON_STRUCTURE))
		throw invalid(`the body has more than ${MAX_JSON_STRUCTURE} braces, brackets, commas and colons`);
	let text: string;
	try {
		text = UTF8.decode(bytes);
	} catch {
		throw invalid('the body is not valid UTF-8');
	}
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (cause) {
		throw invalid(syntaxMessage(cause));
	}
	checkTree(value);
	return value;
}

/** Walks with a stack of its own: recursion is what the depth bound protects others from. */
function checkTree(root: unknown): void {
	const open: { value: unknown; depth: number }[] = [{ value: root, depth: 1 }];
	for (let next = open.pop(); next !== undefined; next = open.pop()) {
		const { value, depth } = next;
		if (typeof value === 'number' && !Number.isFinite(value))
			throw invalid('the body holds a number that is too large');
		if (value === null || typeof value !== 'object') continue;
		if (depth > MAX_JSON_DEPTH) throw invalid(`the body is nested deeper than ${MAX_JSON_DEPTH} levels`);
		if (Array.isArray(value)) {
			for (const item of value) if (needsLook(item)) open.push({ value: item, depth: depth + 1 });
			continue;
		}
		if (Object.hasOwn(value, '__proto__')) throw invalid("the body has a member named '__proto__'");
		for (const item of Object.values(value)) if (needsLook(item)) open.push({ value: item, depth: depth + 1 });
	}
}

function needsLook(value: unknown): boolean {
	return typeof value === 'number' ? !Number.isFinite(value) : value !== null && typeof value === 'object';
}

/** V8 quotes the text around the mistake, which may be a token: only the place is kept, and the cause is not passed on. */
function syntaxMessage(cause: unknown): string {
	const position = cause instanceof Error ? /position (\d+)/.exec(cause.message)?.[1] : undefined;
	return position === undefined ? 'the body is not valid JSON' : `the body is not valid JSON at character ${position}`;
}

function invalid(detail: string): DomainError {
	return new DomainError('invalid-json', detail);
}
