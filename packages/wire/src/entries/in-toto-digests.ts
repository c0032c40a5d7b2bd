/**
 * The artifacts that an in-toto statement is about, so that its entry is found by their digests. The payload is what a
 * signer chose to sign: it is read leniently, and what is no digest is not a reason to refuse the entry.
 */
import { FormatError } from '@chancery/core/format-error';
import { hasMoreStructure, parseJson } from '@chancery/core/json';
import { hashTerm, type SearchTerm } from './search-terms.ts';

/**
 * A bill of materials of some megabytes has some hundred thousand braces, brackets, commas and colons. Beyond this a
 * statement would hold up everybody for longer than its digests are worth: its entry is found by its hashes and keys only.
 */
const MAX_STATEMENT_STRUCTURE = 500_000;

export const IN_TOTO_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** An attacker's statement may be any JSON; names and values of digests have these forms. */
const ALGORITHM = /^[A-Za-z0-9_-]{1,32}$/;
const DIGEST = /^[0-9A-Za-z+/=_-]{1,256}$/;

/** Digests of `subject[]` and `predicate.materials[]` of a statement (https://in-toto.io/Statement). */
export function inTotoDigests(payloadType: string, payload: Uint8Array): SearchTerm[] {
	if (payloadType !== IN_TOTO_PAYLOAD_TYPE || hasMoreStructure(payload, MAX_STATEMENT_STRUCTURE)) return [];
	let statement: unknown;
	try {
		statement = parseJson(payload);
	} catch (error) {
		if (error instanceof FormatError) return [];
		throw error;
	}
	const materials = member(member(statement, 'predicate'), 'materials');
	return [...digestsOf(member(statement, 'subject')), ...digestsOf(materials)];
}

function digestsOf(artifacts: unknown): SearchTerm[] {
	if (!Array.isArray(artifacts)) return [];
	return artifacts.flatMap((artifact) => {
		const digests = member(artifact, 'digest');
		if (typeof digests !== 'object' || digests === null) return [];
		return Object.entries(digests)
			.filter(([algorithm, value]) => ALGORITHM.test(algorithm) && typeof value === 'string' && DIGEST.test(value))
			.map(([algorithm, value]) => hashTerm(algorithm, value as string));
	});
}

function member(value: unknown, name: string): unknown {
	if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
	return (value as Record<string, unknown>)[name];
}
