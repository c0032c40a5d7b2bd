/**
 * The parts of a signed JWT in its compact form (RFC 7515 section 7.1, RFC 7519), read before anything of it is verified.
 */
import { fromBase64Url } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import type { FlattenedJWSInput } from 'jose';
import type { Claims } from './claims.ts';

const MAX_DEPTH = 16;

/** Makes the refusal; `what` says in a few words what is wrong with "it". */
type Malformed = (what: string, cause?: unknown) => Error;

export interface CompactJws {
	readonly header: { readonly alg: string; readonly kid?: string; readonly others: Claims };
	readonly payload: Claims;
	readonly parts: FlattenedJWSInput;
}

/** Strict base64url and strict JSON, so that it has one spelling. @throws what `malformed` makes */
export function readCompactJws(text: string, malformed: Malformed): CompactJws {
	// The length is bounded by the caller, so that splitting at every dot of a text made of dots costs nothing to speak of.
	const [first, second, signature, ...more] = text.split('.');
	if (first === undefined || second === undefined || signature === undefined || more.length > 0)
		throw malformed('it is not three parts joined by dots');
	const others = readObject(decode(first, 'header', malformed), 'header', malformed);
	const alg = textMember(others, 'alg', "its header's", malformed);
	if (alg === undefined) throw malformed("its header names no 'alg'");
	const kid = textMember(others, 'kid', "its header's", malformed);
	// RFC 7515 section 4.1.11: an extension that must be understood; we understand none (`b64` would change the payload).
	if (Object.hasOwn(others, 'crit')) throw malformed("its header has 'crit'");
	decode(signature, 'signature', malformed);
	return {
		header: kid === undefined ? { alg, others } : { alg, kid, others },
		payload: readObject(decode(second, 'payload', malformed), 'payload', malformed),
		parts: { protected: first, payload: second, signature },
	};
}

/** A member that is text, or undefined when it is not there. @throws what `malformed` makes when it is of another type */
export function textMember(object: Claims, name: string, whose: string, malformed: Malformed): string | undefined {
	if (!Object.hasOwn(object, name)) return undefined;
	const value = object[name];
	if (typeof value === 'string') return value;
	throw malformed(`${whose} '${name}' is no text but ${kindOf(value)}`);
}

/** A JSON object. @throws what `malformed` makes */
export function readObject(bytes: Uint8Array, what: string, malformed: Malformed): Claims {
	const value = strictly(() => parseJson(bytes, { maxDepth: MAX_DEPTH }), `its ${what} is not JSON`, malformed);
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw malformed(`its ${what} is not an object but ${kindOf(value)}`);
	return value as Claims;
}

/** What a JSON value is, for whoever reads why it is not what it should be. */
export function kindOf(value: unknown): string {
	if (value === null) return 'null';
	if (value === '') return 'empty text';
	if (Array.isArray(value)) return 'a list';
	return { string: 'text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'an object';
}

function decode(part: string, what: string, malformed: Malformed): Uint8Array {
	return strictly(() => fromBase64Url(part), `its ${what} is not base64url`, malformed);
}

function strictly<T>(read: () => T, what: string, malformed: Malformed): T {
	try {
		return read();
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		throw malformed(what, error);
	}
}
