/**
 * What follows from the list of kinds: who reads a stored body, and the members of the message of the v2 wire.
 */
import type { z } from 'zod';
import type { EntryKind, EntryKindV1, EntryKindV2 } from '../entries/entry-kind.ts';
import * as listed from './kind-list.ts';

type ListedV2 = Extract<(typeof listed)[keyof typeof listed], { wire: 'v2' }>;

/** The kinds of a list, from the end of the alphabet to its beginning: in this order refusals have always named them. */
export function kindsOf(list: Readonly<Record<string, EntryKind>>): readonly EntryKind[] {
	return Object.keys(list)
		.sort()
		.reverse()
		.map((name) => list[name] as EntryKind);
}

export const ENTRY_KINDS = kindsOf(listed);

export const isV1 = (kind: EntryKind): kind is EntryKindV1 => kind.wire === 'v1';
export const isV2 = (kind: EntryKind): kind is EntryKindV2 => kind.wire === 'v2';

/** The kind of a stored body, by what the entry says; undefined for one that has no line in the list. */
export function findKind(given: { readonly kind: string; readonly version: string }): EntryKind | undefined {
	return ENTRY_KINDS.find(({ kind, version }) => kind === given.kind && version === given.version);
}

/** The members of the message in which the v2 wire proposes an entry, one for each of its kinds. */
export const v2RequestMembers = Object.fromEntries(
	ENTRY_KINDS.filter(isV2).map(({ member, proposal }) => [member, proposal.schema.optional()]),
) as { readonly [Kind in ListedV2 as Kind['member']]: z.ZodOptional<Kind['proposal']['schema']> };
