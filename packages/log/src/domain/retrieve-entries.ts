/**
 * Looking entries up on the v1 wire: by name, by index, by what was proposed.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { hashLeaf } from '@chancery/core/merkle';
import type { CheckSignature } from '@chancery/wire/entries/check-signature';
import { MAX_RETRIEVED_ENTRIES, type ProposedEntry, type SearchLogQuery } from '@chancery/wire/rekor-v1';
import { admitV1, isKnownButNotEnabled } from '../kinds/enabled-kinds.ts';
import { parseEntryName } from './entry-id.ts';
import { findByIndex, findByLeafHash, type ProvenEntry } from './proven-entry.ts';
import type { SignatureLogV1 } from './signature-log.ts';

export interface RetrieveDeps {
	readonly v1: SignatureLogV1;
	readonly checkSignature: CheckSignature;
}

/** The entry that a name of 64 or 80 hex digits stands for; undefined when this log has none. @throws {DomainError} */
export async function findByName(v1: SignatureLogV1, name: string): Promise<ProvenEntry | undefined> {
	const { treeId, leafHash } = parseEntryName(name);
	if (treeId !== undefined && treeId !== v1.treeId) return undefined;
	return findByLeafHash(v1.log, leafHash);
}

/**
 * Everything that a query finds, each entry once: names, then proposals, then indexes. What is not there is left out.
 * @throws {DomainError} for a proposal that could not be logged, or whose signature does not verify
 */
export async function retrieveEntries(deps: RetrieveDeps, query: SearchLogQuery): Promise<ProvenEntry[]> {
	const { entryUUIDs, logIndexes, entries } = query;
	const asked = (entryUUIDs?.length ?? 0) + (logIndexes?.length ?? 0) + (entries?.length ?? 0);
	if (asked > MAX_RETRIEVED_ENTRIES)
		throw new DomainError('invalid-request', `more than max allowed ${MAX_RETRIEVED_ENTRIES} entries in request`);

	const found: (ProvenEntry | undefined)[] = [];
	for (const name of entryUUIDs ?? []) found.push(await findByName(deps.v1, name));
	for (const proposal of entries ?? []) found.push(await findByProposal(deps, proposal));
	for (const index of logIndexes ?? []) found.push(await findByIndex(deps.v1.log, index));

	const byIndex = new Map<number, ProvenEntry>();
	for (const entry of found) if (entry !== undefined && !byIndex.has(entry.index)) byIndex.set(entry.index, entry);
	return [...byIndex.values()];
}

/** Clients ask for several kinds at once to see which one was logged; a kind that is never logged here is not found. */
async function findByProposal(deps: RetrieveDeps, proposal: ProposedEntry): Promise<ProvenEntry | undefined> {
	if (isKnownButNotEnabled(proposal)) return undefined;
	const { leaf } = await admitV1(proposal, deps.checkSignature);
	return findByLeafHash(deps.v1.log, hashLeaf(leaf));
}
