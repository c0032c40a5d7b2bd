/**
 * Taking what clients propose: the kind is found in the list, and what it refuses is said in the words of the wire.
 */
import { describeProblems } from '@chancery/chassis/describe-problems';
import { DomainError } from '@chancery/chassis/domain-error';
import { FormatError } from '@chancery/core/format-error';
import type { CheckSignature } from '@chancery/wire/entries/check-signature';
import type { CanonicalEntry } from '@chancery/wire/entries/entry-kind';
import { EntryRefusal } from '@chancery/wire/entries/entry-refusal';
import { isV1, isV2, kindsOf } from '@chancery/wire/kinds/entry-kinds';
import type { ProposedEntry } from '@chancery/wire/rekor-v1';
import type { CreateEntryRequest } from '@chancery/wire/rekor-v2';
import { z } from 'zod';
import * as listed from './kind-list.ts';

const KINDS = kindsOf(listed);
const V1_KINDS = KINDS.filter(isV1).flatMap(({ kind, version, proposal }) =>
	proposal === undefined ? [] : [{ kind, version, proposal }],
);
const V2_KINDS = KINDS.filter(isV2);

/** The names of all kinds that upstream's v1 wire has. No entry of one that is not in the list can be in this log. */
const UPSTREAM_V1_KINDS: ReadonlySet<string> = new Set([
	'alpine',
	'cose',
	'dsse',
	'hashedrekord',
	'helm',
	'intoto',
	'jar',
	'rekord',
	'rfc3161',
	'rpm',
	'tuf',
]);

/** Verifies a v1 proposal of an accepted kind. @throws {DomainError} `kind-not-enabled`, and what the kind refuses */
export async function admitV1(entry: ProposedEntry, checkSignature: CheckSignature): Promise<CanonicalEntry> {
	const found = V1_KINDS.find(({ kind, version }) => kind === entry.kind && version === entry.apiVersion);
	if (found !== undefined) {
		const { proposal } = found;
		return refuseInWords('error processing entry', async () =>
			proposal.admit(proposal.schema.parse(entry.spec), checkSignature),
		);
	}
	const enabled = V1_KINDS.map(({ kind, version }) => `${kind} ${version}`).join(', ');
	const isKnown = isKnownButNotEnabled(entry) || isEnabled(entry);
	throw new DomainError(
		'kind-not-enabled',
		`error processing entry: ${isKnown ? 'entry kind' : 'unknown entry kind'} '${entry.kind}' version ` +
			`'${entry.apiVersion}' is not enabled on this log; enabled are ${enabled}`,
	);
}

/** Whether a search for such an entry is in order and finds nothing. */
export function isKnownButNotEnabled(entry: ProposedEntry): boolean {
	return UPSTREAM_V1_KINDS.has(entry.kind) && !isEnabled(entry);
}

/** In any version. */
function isEnabled(entry: ProposedEntry): boolean {
	return V1_KINDS.some(({ kind }) => kind === entry.kind);
}

/** Verifies a v2 request. @throws {DomainError} what the kind refuses */
export async function admitV2(request: CreateEntryRequest, checkSignature: CheckSignature): Promise<CanonicalEntry> {
	const proposals: Readonly<Record<string, unknown>> = request;
	const found = V2_KINDS.find(({ member }) => proposals[member] !== undefined);
	// The schema lets exactly one member through.
	if (found === undefined) throw new Error(`none of ${Object.keys(request).join(', ')} is an entry kind`);
	const { kind, member, proposal } = found;
	return refuseInWords(`invalid ${kind} request`, async () => proposal.admit(proposals[member], checkSignature));
}

/**
 * Begins what is said about an entry with the words of the wire, which clients look for. Other errors, of the queue of
 * signature checks above all, are not about the entry.
 */
async function refuseInWords<T>(words: string, work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (cause) {
		if (cause instanceof EntryRefusal)
			throw new DomainError(cause.code, `${words}: ${cause.detail}`, { cause: cause.cause });
		const problem =
			cause instanceof z.ZodError ? describeProblems(cause) : cause instanceof FormatError ? cause.message : undefined;
		if (problem === undefined) throw cause;
		throw new DomainError('invalid-entry', `${words}: ${problem}`, { cause });
	}
}
