/** What follows from the list of login methods: their configuration fields, and the methods that are switched on. */
import type { z } from 'zod';
import type { LoginMethod } from './login-method.ts';
import * as listed from './method-list.ts';

type Listed = (typeof listed)[keyof typeof listed];
/** From `A | B` makes `A & B`: a function that accepts either needs a value that is both. */
type Both<Union> = (Union extends unknown ? (one: Union) => void : never) extends (both: infer Of) => void ? Of : never;

/** In the order of the list, which is alphabetical, and the order of the page. */
export const LOGIN_METHODS: readonly LoginMethod[] = Object.values(listed);

/** The fields of the section `identity` that belong to login methods. */
export const loginSettingsShape = Object.assign({}, ...LOGIN_METHODS.map(({ configShape }) => configShape)) as Both<
	Listed['configShape']
>;
export type LoginSettings = z.output<z.ZodObject<typeof loginSettingsShape>>;

/** The methods that the operator has switched on. */
export function enabledLoginMethods(config: LoginSettings): readonly LoginMethod[] {
	return LOGIN_METHODS.filter((method) => method.enabled(config));
}
