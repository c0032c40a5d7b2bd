/** The connector types, one line each. `connectors.ts` makes the configuration of them. */
export { oidc } from './oidc.ts';
