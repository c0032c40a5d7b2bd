/**
 * The development login: type an address and sign in as that person. It proves nothing. It is for a laptop without internet,
 * and production refuses it.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { emailAddress } from '@chancery/wire/identity';
import { type Account, believedAccount } from '../domain/account.ts';

export interface DevelopmentLogin {
	/** Whether the form has to carry the secret of the instance. */
	readonly needsSecret: boolean;
	/** Takes constant time. */
	isSecret(given: string): boolean;
	/** The issuer of the tokens. */
	readonly issuer: string;
}

/**
 * Returns the person that the form states. The caller has checked that the form came from our page.
 * @throws {DomainError} `login-refused` with a message for the person at the page
 */
export function believeForm({ needsSecret, isSecret, issuer }: DevelopmentLogin, form: URLSearchParams): Account {
	// First: who does not have the secret learns nothing from the other answers.
	if (needsSecret && !isSecret(form.get('secret') ?? ''))
		throw new DomainError(
			'login-refused',
			"That is not the secret of this instance. An instance of 'chancery up' has it in its data folder: secrets.developmentToken in chancery.json.",
		);
	// A button of a seeded identity, or what was typed. Either way anyone may be named, so the two are not compared with a list.
	const email = emailAddress.safeParse((form.get('identity') ?? form.get('email') ?? '').trim());
	if (!email.success)
		throw new DomainError('login-refused', 'That is not an e-mail address. Expected one such as alice@example.com.');
	return believedAccount(issuer, email.data);
}
