/** The page for signing in, and the page that says why that is not possible. */
import { AUTH_PATH } from '@chancery/wire/identity';
import type { LoginContext, LoginMethod } from '../login-methods/login-method.ts';
import { html } from './html.ts';
import type { Page } from './page.ts';

export interface LoginPage {
	/** Id of the interaction: the last segment of the page's address. */
	readonly uid: string;
	readonly clientId: string;
	/** CSP source of the client's redirect URI. */
	readonly formTarget: string | undefined;
	readonly methods: readonly LoginMethod[];
	readonly context: LoginContext;
	/** Why the last attempt was refused. */
	readonly refusal?: string;
}

/** One form per login method. `previous` is what was typed into the refused form. */
export function loginPage(login: LoginPage, previous: URLSearchParams): Page {
	const action = `${AUTH_PATH}/interaction/${encodeURIComponent(login.uid)}`;
	const forms = login.methods.map(
		(method) => html`<form method="post" action="${action}/${method.id}">
${method.fields(login.context, previous)}
<button type="submit">Sign in</button>
</form>
`,
	);
	return {
		title: 'Sign in',
		formTargets: login.formTarget === undefined ? [] : [login.formTarget],
		body: html`${login.refusal === undefined ? '' : html`<p class="refusal" role="alert">${login.refusal}</p>`}
<p>A program on your computer (client <strong>${login.clientId}</strong>) asks who you are, to sign with that identity.</p>
${forms.length > 0 ? forms : html`<p class="refusal">No way to sign in is configured here.</p>`}
<form method="post" action="${action}/cancel"><button type="submit">Cancel</button></form>`,
	};
}

export function refusalPage(title: string, detail: string): Page {
	return {
		title,
		body: html`<p class="refusal">${detail}</p>
<p>Start again from the program that sent you here.</p>`,
	};
}
