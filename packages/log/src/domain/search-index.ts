/**
 * The index search of the v1 wire: which entries carry a hash, an identity or a key.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { fromBase64, toHex } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { sha256 } from '@chancery/core/sha';
import { EntryRefusal } from '@chancery/wire/entries/entry-refusal';
import { distinctTerms, hashTerm, type SearchTerm, subjectTerm } from '@chancery/wire/entries/search-terms';
import { parsePemVerifier } from '@chancery/wire/entries/verifier-key';
import type { SearchIndexQuery } from '@chancery/wire/rekor-v1';
import type { LogServiceMetrics } from '../metrics.ts';
import { askEngine } from './engine-errors.ts';
import { formatEntryId } from './entry-id.ts';
import { toSearchKeys } from './search-keys.ts';
import type { SignatureLogV1 } from './signature-log.ts';

export interface SearchIndexDeps {
	readonly v1: SignatureLogV1;
	readonly metrics: LogServiceMetrics;
}

export interface SearchPage {
	/** Only entries below this index; undefined: all that are published. */
	readonly before?: number | undefined;
	/** At most so many ids. */
	readonly limit: number;
}

export interface FoundIds {
	/** Newest first. */
	readonly ids: string[];
	/** `before` of the next page; undefined after the last one. */
	readonly nextBefore: number | undefined;
}

/** Ids of the entries that match; none without criteria. @throws {DomainError} */
export async function searchIndex(deps: SearchIndexDeps, query: SearchIndexQuery, page: SearchPage): Promise<FoundIds> {
	const terms = distinctTerms(termsOf(query));
	if (terms.length === 0) return { ids: [], nextBefore: undefined };
	const match = query.operator === 'and' ? 'all' : 'any';
	const search = { keys: toSearchKeys(terms), match, ...page } as const;
	const { entries, nextBefore } = await deps.metrics.time('chancery_signature_log_search_duration_seconds', () =>
		askEngine(() => deps.v1.log.search(search)),
	);
	deps.metrics.observe('chancery_signature_log_search_found_entries', entries.length);
	return { ids: entries.map(({ leafHash }) => formatEntryId(deps.v1.treeId, leafHash)), nextBefore };
}

function termsOf({ email, subject, hash, publicKey }: SearchIndexQuery): SearchTerm[] {
	const terms: SearchTerm[] = [];
	if (email) terms.push(subjectTerm(email));
	if (subject) terms.push(subjectTerm(subject));
	if (hash) terms.push(digestTerm(hash));
	if (publicKey) terms.push(keyTerm(publicKey));
	return terms;
}

/** A digest with its algorithm before it, or told from its length. */
function digestTerm(hash: string): SearchTerm {
	const [algorithm, value] = hash.includes(':')
		? hash.split(':')
		: [{ 40: 'sha1', 64: 'sha256' }[hash.length] ?? 'sha512', hash];
	return hashTerm(algorithm as string, value as string);
}

function keyTerm({ format, content }: NonNullable<SearchIndexQuery['publicKey']>): SearchTerm {
	if (format !== 'x509') {
		throw new DomainError('unsupported-key-format', 'the PKI format requested is not supported by this server');
	}
	try {
		const { canonicalPem } = parsePemVerifier(fromBase64(content ?? ''));
		return { kind: 'key', value: toHex(sha256(canonicalPem)) };
	} catch (cause) {
		if (!(cause instanceof FormatError || cause instanceof EntryRefusal)) throw cause;
		throw new DomainError('invalid-public-key', 'public key provided could not be parsed', { cause });
	}
}
