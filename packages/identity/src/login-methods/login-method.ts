/**
 * What a way to sign in looks like to the rest of the provider: one file in this folder and one line in `method-list.ts`
 * each. Its fields of the configuration and what production asks of it are in the same file.
 */
import type { Finding } from '@chancery/chassis/config/production';
import type { z } from 'zod';
import type { Account } from '../domain/account.ts';
import type { Html } from '../pages/html.ts';

/** What a method may look at. */
export interface LoginContext<Config = Readonly<Record<string, unknown>>> {
	/** The section `identity`, as far as it is the method's. */
	readonly config: Config;
	/** The issuer of the tokens. */
	readonly issuer: string;
}

export interface LoginMethod<Shape extends z.ZodRawShape = z.ZodRawShape> {
	/** Path segment of the form's address; lower case, digits and dashes. */
	readonly id: string;
	/** Fields of the section `identity` that switch it on and set it up. Without them it must be switched off. */
	readonly configShape: Shape;
	/** Whether the operator has switched it on. */
	enabled(config: z.output<z.ZodObject<Shape>>): boolean;
	/** What production does not start with, when it is switched on. */
	findings(config: z.output<z.ZodObject<Shape>>): readonly Finding[];
	/** Heading, notices and fields; form and button come from the page. `previous` is what was typed before a refusal. */
	fields(context: LoginContext<z.output<z.ZodObject<Shape>>>, previous: URLSearchParams): Html;
	/**
	 * Who the filled-in form says is there. The caller has checked that the form came from our page.
	 * @throws {DomainError} `login-refused` with words for the person in front of the page
	 */
	login(context: LoginContext<z.output<z.ZodObject<Shape>>>, form: URLSearchParams): Promise<Account>;
}

/** Ties the configuration that a method is given to its own fields. */
export function loginMethod<const Shape extends z.ZodRawShape>(method: LoginMethod<Shape>): LoginMethod<Shape> {
	return method;
}
