/**
 * The development login: type an address and sign in as that person. It proves nothing. It is for a laptop without internet,
 * and production refuses it.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { emailAddress } from '@chancery/wire/identity';
import { z } from 'zod';
import { believedAccount } from '../domain/account.ts';
import { html } from '../pages/html.ts';
import { loginMethod } from './login-method.ts';

export const developmentLogin = loginMethod({
	id: 'development',

	configShape: {
		developmentLogin: z
			.boolean()
			.default(false)
			.describe('Offers a login page that believes any e-mail address. Whoever reaches the page can sign as anyone.'),
	},

	enabled: (config) => config.developmentLogin,

	findings: () => [
		{
			exception: 'development-login',
			where: 'identity.developmentLogin',
			found: 'the login page believes any address',
		},
	],

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
});
