/** The login methods, one line each. `all.ts` makes the list of them. */
export { developmentLogin } from './development.ts';
