/**
 * The development login: type an address and be that person. It proves nothing, which is its purpose on a laptop without
 * internet, and why production refuses it.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { emailAddress } from '@chancery/wire/identity';
import { believedAccount } from '../domain/account.ts';
import { html } from '../pages/html.ts';
import type { LoginMethod } from './login-method.ts';

export const developmentLogin: LoginMethod = {
	id: 'development',

	enabled: (config) => config.developmentLogin,

	fields: (_context, previous) => html`
		<p class="warning"><strong>Development login.</strong> Nothing is checked: whoever opens this page can sign as anyone.
		Certificates made with it mean nothing outside this instance.</p>
		<p><label for="email">E-mail address to sign as, for example alice@example.com</label>
		<input id="email" name="email" type="email" required autofocus autocomplete="email" maxlength="320" value="${previous.get('email') ?? ''}"></p>`,

	async login(context, form) {
		const email = emailAddress.safeParse((form.get('email') ?? '').trim());
		if (!email.success)
			throw new DomainError('login-refused', 'That is not an e-mail address. Expected one such as alice@example.com.');
		return believedAccount(context.issuer, email.data);
	},
};
