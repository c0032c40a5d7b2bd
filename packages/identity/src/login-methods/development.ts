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

/** Never filled in again after a refusal. */
const SECRET_FIELD = html`<p><label for="secret">Secret of this instance</label>
		<input id="secret" name="secret" type="password" required autocomplete="off" maxlength="200"></p>`;

export const developmentLogin = loginMethod({
	id: 'development',

	configShape: {
		developmentLogin: z
			.union([z.boolean(), z.literal('with-secret')])
			.default(false)
			.describe(
				'Offers a login page that believes any e-mail address. `true`: whoever reaches the page can sign as anyone, so it belongs on loopback. `with-secret`: whoever also types the developmentSecret.',
			),
	},

	enabled: (config) => config.developmentLogin !== false,

	findings: () => [
		{
			exception: 'development-login',
			where: 'identity.developmentLogin',
			found: 'the login page believes any address',
		},
	],

	fields: ({ config }, previous) => html`
		<p class="warning"><strong>Development login.</strong> No address is checked: whoever
		${config.developmentLogin === true ? 'opens this page' : "has this instance's secret"} can sign as anyone. Certificates made
		with it mean nothing outside this instance.</p>
		<p><label for="email">E-mail address to sign as, for example alice@example.com</label>
		<input id="email" name="email" type="email" required autofocus autocomplete="email" maxlength="320" value="${previous.get('email') ?? ''}"></p>
		${config.developmentLogin === true ? '' : SECRET_FIELD}`,

	async login(context, form) {
		// First: who does not have the secret learns nothing from the other answers.
		if (context.config.developmentLogin !== true && !context.isSecret(form.get('secret') ?? ''))
			throw new DomainError(
				'login-refused',
				"That is not the secret of this instance. An instance of 'chancery up' has it in its data folder: secrets.developmentToken in chancery.json.",
			);
		const email = emailAddress.safeParse((form.get('email') ?? '').trim());
		if (!email.success)
			throw new DomainError('login-refused', 'That is not an e-mail address. Expected one such as alice@example.com.');
		return believedAccount(context.issuer, email.data);
	},
});
