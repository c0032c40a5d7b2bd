/** Every way to sign in, in the order the page shows them. */
import type { IdentityConfig } from '../config.ts';
import { developmentLogin } from './development.ts';
import type { LoginMethod } from './login-method.ts';

const LOGIN_METHODS: readonly LoginMethod[] = [developmentLogin];

/** The methods that the operator has switched on. */
export function enabledLoginMethods(config: IdentityConfig): readonly LoginMethod[] {
	return LOGIN_METHODS.filter((method) => method.enabled(config));
}
