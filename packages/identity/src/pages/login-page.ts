/** The page for signing in, and the page that says why that is not possible. */
import { AUTH_PATH } from '@chancery/wire/identity';
import type { IdentityConfig } from '../config.ts';
import type { Connector } from '../connectors/connector.ts';
import { html } from './html.ts';
import type { Page } from './page.ts';

export interface LoginPage {
	/** Id of the interaction: the last segment of the page's address. */
	readonly uid: string;
	readonly clientId: string;
	/** CSP source of the client's redirect URI. */
	readonly formTarget: string | undefined;
	readonly connectors: readonly Pick<Connector, 'id' | 'name'>[];
	readonly developmentLogin: IdentityConfig['developmentLogin'];
	readonly developmentIdentities: IdentityConfig['developmentIdentities'];
	/** Why the last attempt was refused. */
	readonly refusal?: string;
}

/** Where a sign-in at the provider of this connector begins. */
export function upstreamLink(uid: string, connectorId: string): string {
	return `${AUTH_PATH}/interaction/${encodeURIComponent(uid)}/upstream?connector_id=${encodeURIComponent(connectorId)}`;
}

/** A link per connector, and the form of the development login. `previous` is what was typed into the refused form. */
export function loginPage(login: LoginPage, previous: URLSearchParams): Page {
	const action = `${AUTH_PATH}/interaction/${encodeURIComponent(login.uid)}`;
	const links = login.connectors.map(
		({ id, name }) => html`<p><a class="button" href="${upstreamLink(login.uid, id)}">Continue with ${name}</a></p>
`,
	);
	const isPossible = links.length > 0 || login.developmentLogin !== false;
	return {
		title: 'Sign in',
		formTargets: login.formTarget === undefined ? [] : [login.formTarget],
		body: html`${login.refusal === undefined ? '' : html`<p class="refusal" role="alert">${login.refusal}</p>`}
<p>A program on your computer (client <strong>${login.clientId}</strong>) asks who you are, to sign with that identity.</p>
${links}
${login.developmentLogin === false ? '' : developmentForm(login, action, previous)}
${isPossible ? '' : html`<p class="refusal">No way to sign in is configured here.</p>`}
<form method="post" action="${action}/cancel"><button type="submit">Cancel</button></form>`,
	};
}

/** Never filled in again after a refusal. */
const SECRET_FIELD = html`<p><label for="secret">Secret of this instance</label>
		<input id="secret" name="secret" type="password" required autocomplete="off" maxlength="200"></p>`;

/**
 * Any address, and a button for each seeded one. One form, so that the secret is typed once. Its first button is the one that
 * the Enter key presses, and the others do not ask for an address.
 */
function developmentForm(
	{ developmentLogin, developmentIdentities }: LoginPage,
	action: string,
	previous: URLSearchParams,
) {
	const identities = developmentIdentities.map(
		(
			email,
		) => html`<p><button type="submit" name="identity" value="${email}" formnovalidate>Sign in as ${email}</button></p>
`,
	);
	return html`<form method="post" action="${action}/development">
<p class="warning"><strong>Development login.</strong> No address is checked: whoever
${developmentLogin === true ? 'opens this page' : "has this instance's secret"} can sign as anyone. Certificates made
with it mean nothing outside this instance.</p>
${developmentLogin === true ? '' : SECRET_FIELD}
<p><label for="email">E-mail address to sign as, for example alice@example.com</label>
<input id="email" name="email" type="email" required autofocus autocomplete="email" maxlength="320" value="${previous.get('email') ?? ''}"></p>
<button type="submit">Sign in</button>
${identities}
</form>
`;
}

/** What people can tell whoever runs this service: the code is in the documentation, the id in the log. */
export interface RefusalReference {
	readonly code: string;
	readonly requestId: string;
}

export function refusalPage(title: string, detail: string, { code, requestId }: RefusalReference): Page {
	return {
		title,
		body: html`<p class="refusal">${detail}</p>
<p>Start again from the program that sent you here.</p>
<p><small>Code: <code>${code}</code>, request: <code>${requestId}</code></small></p>`,
	};
}
