/** What a way to sign in looks like to the rest of the provider. One file in this folder and one line in `all.ts` each. */
import type { IdentityConfig } from '../config.ts';
import type { Account } from '../domain/account.ts';
import type { Html } from '../pages/html.ts';

/** What a method may look at. */
export interface LoginContext {
	readonly config: IdentityConfig;
	/** The issuer of the tokens. */
	readonly issuer: string;
}

export interface LoginMethod {
	/** Path segment of the form's address; lower case, digits and dashes. */
	readonly id: string;
	/** Whether the operator has switched it on. */
	enabled(config: IdentityConfig): boolean;
	/** Heading, notices and fields; form and button come from the page. `previous` is what was typed before a refusal. */
	fields(context: LoginContext, previous: URLSearchParams): Html;
	/**
	 * Who the filled-in form says is there. The caller has checked that the form came from our page.
	 * @throws DomainError `login-refused` with words for the person in front of the page.
	 */
	login(context: LoginContext, form: URLSearchParams): Promise<Account>;
}
