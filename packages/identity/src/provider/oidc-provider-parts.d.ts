/**
 * oidc-provider's main module prints a warning on every Node release that is not (yet) LTS, which ours is not, and then only
 * re-exports these two modules. Importing them directly prints nothing and changes nothing global. The package has no
 * `exports` map and its version is pinned exactly; an upgrade that moves the files fails at start and in the tests.
 */
declare module 'oidc-provider/lib/provider.js' {
	export { Provider } from 'oidc-provider';
}

declare module 'oidc-provider/lib/helpers/errors.js' {
	import { errors } from 'oidc-provider';
	export const InvalidGrant: typeof errors.InvalidGrant;
	export const OIDCProviderError: typeof errors.OIDCProviderError;
	export const SessionNotFound: typeof errors.SessionNotFound;
}
