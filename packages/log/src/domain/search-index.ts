/**
 * The index search of the v1 wire: which entries carry a hash, an identity or a key.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { fromBase64, toHex } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { sha256 } from '@chancery/core/sha';
import type { Sql } from '@chancery/postgres/sql';
import type { SearchIndexQuery } from '@chancery/wire/rekor-v1';
import { findWithAll, findWithAny } from '../store/search.ts';
import { askEngine } from './engine-errors.ts';
import { formatEntryId } from './entry-id.ts';
import { V1_LOG_ID } from './log-identities.ts';
import { toSearchKeys } from './search-keys.ts';
import { distinctTerms, hashTerm, type SearchTerm, subjectTerm } from './search-terms.ts';
import type { SignatureLogV1 } from './signature-log.ts';
import { parsePemVerifier } from './verifier-key.ts';

/** The wire has no pages. Whoever has more entries than this sees the newest ones. */
export const MAX_FOUND_ENTRIES = 10_000;

export interface SearchIndexDeps {
	readonly v1: SignatureLogV1;
	readonly sql: Sql;
}

/** Ids of the entries that match, newest first; none without criteria. @throws DomainError */
export async function searchIndex(deps: SearchIndexDeps, query: SearchIndexQuery): Promise<string[]> {
	const terms = distinctTerms(termsOf(query));
	if (terms.length === 0) return [];
	const { size } = await askEngine(() => deps.v1.log.published());
	const find = query.operator === 'and' ? findWithAll : findWithAny;
	const range = { logId: V1_LOG_ID, publishedSize: size, limit: MAX_FOUND_ENTRIES };
	const found = await askEngine(() => find(deps.sql, toSearchKeys(terms), range));
	return found.map((leafHash) => formatEntryId(deps.v1.treeId, leafHash));
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
		if (!(cause instanceof FormatError || cause instanceof DomainError)) throw cause;
		throw new DomainError('invalid-public-key', 'public key provided could not be parsed', { cause });
	}
}
