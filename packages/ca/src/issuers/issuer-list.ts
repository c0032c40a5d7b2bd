/**
 * The issuer types: one line each. `issuer-types.ts` makes the list of them; one that is needed by its name is imported
 * from its own file.
 */
export { email } from './email.ts';
export { githubActions } from './github-actions.ts';
export { kubernetes } from './kubernetes.ts';
export { spiffe } from './spiffe.ts';
