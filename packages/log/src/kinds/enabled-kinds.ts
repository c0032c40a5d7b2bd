/**
 * The kinds that are accepted, and those that clients may name without being accepted. A new kind is one file and one
 * line here.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import type { ProposedEntry } from '@chancery/wire/rekor-v1';
import type { CreateEntryRequest } from '@chancery/wire/rekor-v2';
import { dsseV001 } from './dsse-v001.ts';
import { dsseV002 } from './dsse-v002.ts';
import type { CanonicalEntry, EntryKind } from './entry-kind.ts';
import { hashedrekordV001 } from './hashedrekord-v001.ts';
import { hashedrekordV002 } from './hashedrekord-v002.ts';

/** Kinds of the v1 wire. */
const V1_KINDS: readonly EntryKind<unknown>[] = [hashedrekordV001, dsseV001];

/** Kinds that the v1 wire defines and this log does not accept: no entry of theirs can be in it. */
const OTHER_V1_KINDS: ReadonlySet<string> = new Set([
	'alpine',
	'cose',
	'helm',
	'intoto',
	'jar',
	'rekord',
	'rfc3161',
	'rpm',
	'tuf',
]);

/** Verifies a v1 proposal of an accepted kind. @throws DomainError `kind-not-enabled`, and whatever the kind throws */
export async function admitV1(entry: ProposedEntry, checkSignature: CheckSignature): Promise<CanonicalEntry> {
	const kind = V1_KINDS.find(({ kind, version }) => kind === entry.kind && version === entry.apiVersion);
	if (kind !== undefined) return prefixed('error processing entry', () => kind.admit(entry.spec, checkSignature));
	const enabled = V1_KINDS.map(({ kind, version }) => `${kind} ${version}`).join(', ');
	const isKnown = isKnownButNotEnabled(entry) || V1_KINDS.some(({ kind }) => kind === entry.kind);
	throw new DomainError(
		'kind-not-enabled',
		`error processing entry: ${isKnown ? 'entry kind' : 'unknown entry kind'} '${entry.kind}' version ` +
			`'${entry.apiVersion}' is not enabled on this log; enabled are ${enabled}`,
	);
}

/** Whether a search for such an entry is in order and finds nothing. */
export function isKnownButNotEnabled(entry: ProposedEntry): boolean {
	return OTHER_V1_KINDS.has(entry.kind);
}

/** Verifies a v2 request. @throws DomainError, whatever the kind throws */
export async function admitV2(request: CreateEntryRequest, checkSignature: CheckSignature): Promise<CanonicalEntry> {
	const { hashedRekordRequestV002, dsseRequestV002 } = request;
	if (hashedRekordRequestV002) {
		return prefixed('invalid hashedrekord request', () =>
			hashedrekordV002.admit(hashedRekordRequestV002, checkSignature),
		);
	}
	if (dsseRequestV002) return prefixed('invalid dsse request', () => dsseV002.admit(dsseRequestV002, checkSignature));
	throw new DomainError('invalid-entry', 'invalid type, must be either hashedRekordRequestV002 or dsseRequestV002');
}

const ENTRY_ERRORS: ReadonlySet<string> = new Set([
	'invalid-entry',
	'kind-not-enabled',
	'algorithm-not-allowed',
	'signature-mismatch',
]);

/** Begins what is said about an entry with the words of the wire, which clients look for. */
async function prefixed<T>(words: string, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof DomainError && ENTRY_ERRORS.has(error.code))) throw error;
		throw new DomainError(error.code, `${words}: ${error.detail}`, { cause: error.cause });
	}
}
