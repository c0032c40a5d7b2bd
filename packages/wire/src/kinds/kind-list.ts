/**
 * The entry kinds that log, wire and verifier know: one line each. `entry-kinds.ts` makes the list of them; a kind that is
 * needed by its name is imported from its own file.
 */
export { dsseV001 } from './dsse-v001.ts';
export { dsseV002 } from './dsse-v002.ts';
export { hashedrekordV001 } from './hashedrekord-v001.ts';
export { hashedrekordV002 } from './hashedrekord-v002.ts';
export { intotoV002 } from './intoto-v002.ts';
