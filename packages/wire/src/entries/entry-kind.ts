/**
 * What an entry kind of one version is: a file that says everything about it. How it is proposed, what is verified before
 * it is logged, which bytes are logged, what it is found by, and what a verifier compares with a bundle.
 *
 * Such a file lies in `wire/src/kinds` and has a line in `kind-list.ts` there: log, wire and verifier read it. A kind
 * that needs a parser which a browser should not load lies in `log/src/kinds` in the same form, with a line in the list
 * there. Then the verifier does not know it and refuses its entries by name.
 */
import { utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import type { z } from 'zod';
import type { CheckSignature } from './check-signature.ts';
import { distinctTerms, type SearchTerm } from './search-terms.ts';
import type { SignedContent } from './signed-content.ts';

/** A verified entry in the only form in which it is logged. */
export interface CanonicalEntry {
	/** Kind and version of the leaf; they can differ from those of the request. */
	readonly kind: string;
	readonly version: string;
	/** UTF-8 of the canonical JSON (RFC 8785): these bytes are the Merkle leaf. */
	readonly leaf: Uint8Array;
	/** What the entry is found by. */
	readonly searchTerms: readonly SearchTerm[];
}

/** The body of an entry as a log has kept it. */
export interface StoredBody {
	/** The leaf: canonical JSON, unless the log was careless. */
	readonly bytes: Uint8Array;
	/** Its member `spec`, from an untrusted source. */
	readonly spec: unknown;
}

/** What somebody proposes, and how it becomes an entry. */
interface Proposal<Schema extends z.ZodType> {
	readonly schema: Schema;
	/**
	 * Verifies the signatures of a parsed proposal and makes the leaf. Nothing of an unverified proposal reaches the log.
	 * @throws {EntryRefusal} and what `checkSignature` throws; a FormatError or ZodError is an invalid entry as well
	 */
	admit(proposal: z.output<Schema>, checkSignature: CheckSignature): Promise<CanonicalEntry>;
}

interface KindOfVersion {
	readonly kind: string;
	readonly version: string;
	/**
	 * Checks that a stored body speaks of the signature in a bundle: of this signature, by this key, over this content.
	 * Without it, verifiers refuse entries of the kind by name.
	 * @throws {BindingError} when it speaks of another; FormatError or ZodError when it is malformed
	 */
	checkBinding?(body: StoredBody, content: SignedContent): void;
}

/** A kind of the v1 wire, proposed as `{ kind, apiVersion, spec }`. */
export interface EntryKindV1<Spec extends z.ZodType = z.ZodType> extends KindOfVersion {
	readonly wire: 'v1';
	/** `schema` is that of `spec`. Absent: entries of other logs are verified, and none are taken here. */
	readonly proposal?: Proposal<Spec>;
}

/** A kind of the v2 wire, proposed as one member of a message. */
export interface EntryKindV2<Member extends string = string, Request extends z.ZodType = z.ZodType>
	extends KindOfVersion {
	readonly wire: 'v2';
	/** Name of the member, such as `hashedRekordRequestV002`. */
	readonly member: Member;
	/** `schema` is that of the member. */
	readonly proposal: Proposal<Request>;
}

export type EntryKind = EntryKindV1 | EntryKindV2;

/** Ties `admit` to the type of its own schema. */
export function entryKindV1<Spec extends z.ZodType>(kind: Omit<EntryKindV1<Spec>, 'wire'>): EntryKindV1<Spec> {
	return { wire: 'v1', ...kind };
}

/** As `entryKindV1`; keeps the name of the member, so that the message knows it. */
export function entryKindV2<const Member extends string, Request extends z.ZodType>(
	kind: Omit<EntryKindV2<Member, Request>, 'wire'>,
): EntryKindV2<Member, Request> {
	return { wire: 'v2', ...kind };
}

/**
 * The entry with this `spec`, which is JSON with byte strings in base64.
 * @throws {EntryRefusal} `invalid-entry` when there is too much that it would be found by
 */
export function canonicalEntry(
	{ kind, version }: Pick<KindOfVersion, 'kind' | 'version'>,
	spec: object,
	searchTerms: readonly SearchTerm[],
): CanonicalEntry {
	return {
		kind,
		version,
		leaf: utf8(canonicalJson({ apiVersion: version, kind, spec })),
		searchTerms: distinctTerms(searchTerms),
	};
}
