/**
 * What follows from the list of issuer types: the settings of an issuer in the configuration, and who reads them.
 */
import { checkKeySource } from '@chancery/chassis/tokens/issuer-key-source';
import { z } from 'zod';
import * as listed from './issuer-list.ts';
import type { IssuerType } from './issuer-type.ts';

type Listed = (typeof listed)[keyof typeof listed];

/** In the order of their names in the list, which is that of the alphabet. */
export const ISSUER_TYPES: readonly IssuerType[] = Object.values(listed);

const schemas = Object.values(listed).map(({ configSchema }) => configSchema);

/** Settings of one issuer, told apart by `type`. */
export const issuerSettings = z
	.discriminatedUnion('type', schemas as [Listed['configSchema'], ...Listed['configSchema'][]])
	.superRefine(checkKeySource);

/** The type with this name. Settings are parsed by the same list, so that every name in them is there. */
export function typeOf(name: string): IssuerType {
	const type = ISSUER_TYPES.find((candidate) => candidate.name === name);
	if (!type) throw new Error(`no issuer type is named ${name}`);
	return type;
}
