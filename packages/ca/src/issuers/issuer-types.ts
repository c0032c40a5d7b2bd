/**
 * The list of issuer types: a new type is one file and one line here.
 */
import { z } from 'zod';
import { email } from './email.ts';
import { githubActions } from './github-actions.ts';
import type { IssuerType } from './issuer-type.ts';

/** Settings of one issuer, told apart by `type`. */
export const issuerSettings = z.discriminatedUnion('type', [email.configSchema, githubActions.configSchema]);

export const ISSUER_TYPES: readonly IssuerType[] = [email, githubActions];
