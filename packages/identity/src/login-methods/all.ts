/** What follows from the list of ways to sign in: their fields of the configuration, and those that are switched on. */
import type { z } from 'zod';
import type { LoginMethod } from './login-method.ts';
import * as listed from './method-list.ts';

type Listed = (typeof listed)[keyof typeof listed];
/** `A & B` of `A | B`: a function that takes either takes what is both. */
type Both<Union> = (Union extends unknown ? (one: Union) => void : never) extends (both: infer Of) => void ? Of : never;

/** In the order of their names in the list, which is that of the alphabet and of the page. */
export const LOGIN_METHODS: readonly LoginMethod[] = Object.values(listed);

/** The fields of the section `identity` that belong to ways to sign in. */
export const loginSettingsShape = Object.assign({}, ...LOGIN_METHODS.map(({ configShape }) => configShape)) as Both<
	Listed['configShape']
>;
export type LoginSettings = z.output<z.ZodObject<typeof loginSettingsShape>>;

/** The methods that the operator has switched on. */
export function enabledLoginMethods(config: LoginSettings): readonly LoginMethod[] {
	return LOGIN_METHODS.filter((method) => method.enabled(config));
}
