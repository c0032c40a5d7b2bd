/**
 * The interface of a login method: each is one file in this folder and one line in `method-list.ts`. Its configuration fields
 * and its rules for production are in the same file.
 */
import type { Finding } from '@chancery/chassis/config/production';
import type { z } from 'zod';
import type { Account } from '../domain/account.ts';
import type { Html } from '../pages/html.ts';

/** What a method may read. */
export interface LoginContext<Config = Readonly<Record<string, unknown>>> {
	/** The section `identity`, limited to the fields of the method. */
	readonly config: Config;
	/** The issuer of the tokens. */
	readonly issuer: string;
	/** Whether this is the instance's own secret; false where it has none. Takes constant time. */
	isSecret(given: string): boolean;
}

export interface LoginMethod<Shape extends z.ZodRawShape = z.ZodRawShape> {
	/** Path segment of the form's address; lower case, digits and dashes. */
	readonly id: string;
	/** Fields of the section `identity` that switch it on and configure it. By default, it must be switched off. */
	readonly configShape: Shape;
	/** Whether the operator has switched it on. */
	enabled(config: z.output<z.ZodObject<Shape>>): boolean;
	/** What production refuses, when it is switched on. */
	findings(config: z.output<z.ZodObject<Shape>>): readonly Finding[];
	/** Heading, notices and fields; the page adds form and button. `previous` is what was typed before an error. */
	fields(context: LoginContext<z.output<z.ZodObject<Shape>>>, previous: URLSearchParams): Html;
	/**
	 * Returns the person that the filled-in form states. The caller has checked that the form came from our page.
	 * @throws {DomainError} `login-refused` with a message for the person at the page
	 */
	login(context: LoginContext<z.output<z.ZodObject<Shape>>>, form: URLSearchParams): Promise<Account>;
}

/** Connects the configuration that a method receives with its own fields. */
export function loginMethod<const Shape extends z.ZodRawShape>(method: LoginMethod<Shape>): LoginMethod<Shape> {
	return method;
}
