/** The connector types, one line each. `connectors.ts` makes the configuration of them. */
export { github } from './github.ts';
export { gitlab } from './gitlab.ts';
export { google } from './google.ts';
export { microsoft } from './microsoft.ts';
export { oidc } from './oidc.ts';
