/** The page for signing in: who asks, what will be public, and the ways to say who one is. */
import { AUTH_PATH } from '@chancery/wire/identity';
import type { IdentityConfig } from '../config.ts';
import type { Connector } from '../connectors/connector.ts';
import { formTargetOf, OUT_OF_BAND } from '../provider/redirect-uri.ts';
import { foreign, seen } from './foreign-text.ts';
import { type Html, html } from './html.ts';
import { icon } from './icons.ts';
import type { Page } from './page.ts';
import type { PageFrame } from './page-frame.ts';

export interface LoginPage {
	/** Id of the interaction: the last segment of the page's address. */
	readonly uid: string;
	readonly clientId: string;
	/** Where the client wants the answer, as it said and as it was checked; undefined in the device flow. */
	readonly redirectUri: unknown;
	/** Pages that may be returned to. */
	readonly webClients: IdentityConfig['webClients'];
	readonly connectors: readonly Pick<Connector, 'id' | 'name'>[];
	readonly developmentLogin: IdentityConfig['developmentLogin'];
	/** Addresses that the development login offers as buttons. */
	readonly developmentIdentities: readonly string[];
	/** The id that the client asked for, when no connector has it. */
	readonly unknownConnector?: string;
	/** Why the last attempt was refused, and which field of the form it is about. */
	readonly refusal?: { readonly detail: string; readonly field: 'email' | 'secret' };
}

/** Where a sign-in at the provider of this connector begins. */
export function upstreamLink(uid: string, connectorId: string): string {
	return `${AUTH_PATH}/interaction/${encodeURIComponent(uid)}/upstream?connector_id=${encodeURIComponent(connectorId)}`;
}

/** A link per connector, and the form of the development login. `previous` is what was typed into the refused form. */
export function loginPage(frame: PageFrame, login: LoginPage, previous: URLSearchParams): Page {
	const action = `${AUTH_PATH}/interaction/${encodeURIComponent(login.uid)}`;
	const { connectors, developmentLogin, refusal, unknownConnector } = login;
	const isPossible = connectors.length > 0 || developmentLogin !== false;
	const formTarget = formTargetOf(login.redirectUri, login.webClients);
	return {
		title: 'Sign in',
		word: 'A program asks who you are',
		tone: 'ask',
		sign: 'key',
		formTargets: formTarget === undefined ? [] : [formTarget],
		body: html`${refusal === undefined ? '' : errorSummary(refusal.detail, refusal.field)}
<p>It wants to sign something in your name. Continue only if you started it yourself.</p>
<dl class="facts">
<dt>Program</dt><dd><strong>${foreign(login.clientId)}</strong></dd>
<dt>Afterwards</dt><dd>${afterwards(login.redirectUri)}</dd>
</dl>
${unknownConnector === undefined ? '' : html`<div class="note warn" role="alert">${icon('warning')}<p>The program asked for the way to sign in ${foreign(unknownConnector)}, which is not here. These are:</p></div>`}
${isPossible ? publicNote(frame) : ''}
${connectors.length > 0 ? ways(login) : ''}
${developmentLogin === false ? '' : developmentForm(login, action, previous)}
${isPossible ? '' : html`<p class="wrong">No way to sign in is configured here.</p>`}
<form class="part" method="post" action="${action}/cancel"><div class="row"><button class="button" type="submit">Cancel</button></div></form>`,
	};
}

/** Names the place, because whoever sent the person here may have chosen it. */
function afterwards(redirectUri: unknown): Html {
	if (redirectUri === OUT_OF_BAND) return html`you get a code to copy into the program`;
	if (typeof redirectUri !== 'string' || !URL.canParse(redirectUri))
		return html`the program on your other device is signed in`;
	const { host, hostname } = new URL(redirectUri);
	const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
	return html`you return to ${foreign(host)}${isHere ? ' on this computer' : ''}`;
}

const PUBLIC_NOTE = 'public';

/** What people must know before they continue: nobody can undo it. */
function publicNote({ privacyUrl }: PageFrame): Html {
	return html`<div class="note warn" id="${PUBLIC_NOTE}">${icon('eye')}<p><strong>Your e-mail address becomes public.</strong> It is written into a certificate, and the certificate into a transparency log. Anyone who can read the log can find it there, for good: nobody can remove it later.${
		privacyUrl === undefined ? '' : html` <a href="${privacyUrl}">More about privacy</a>`
	}</p></div>`;
}

function ways({ uid, connectors }: LoginPage): Html {
	const links = connectors.map(
		({ id, name }) =>
			html`<li><a class="button" href="${upstreamLink(uid, id)}">${icon('account')}<span>Continue with ${foreign(name)}</span></a></li>
`,
	);
	return html`<ul class="ways">
${links}</ul>`;
}

/** An identity button comes after the main one, which is the one that the Enter key presses. */
function developmentForm(login: LoginPage, action: string, previous: URLSearchParams): Html {
	const { developmentLogin, connectors } = login;
	return html`<section class="${connectors.length === 0 ? 'only' : 'part'}" aria-labelledby="development">
<h2 id="development">Development login</h2>
<form method="post" action="${action}/development">
<div class="note bad">${icon('warning')}<p><strong>No address is checked.</strong> Whoever ${
		developmentLogin === true ? 'opens this page' : "has this instance's secret"
	} can sign as anyone. Certificates made with it mean nothing outside this instance.</p></div>
<div class="field"><label for="email">E-mail address to sign as</label>
<p class="small soft" id="email-hint">For example alice@example.com</p>
<input class="input" id="email" name="email" type="email" required autocomplete="email" autocapitalize="none" spellcheck="false" maxlength="320" ${stateOf(login, 'email', `email-hint ${PUBLIC_NOTE}`)} value="${previous.get('email') ?? ''}"></div>
${developmentLogin === true ? '' : secretField(login)}
<div class="row"><button class="button main" type="submit">Sign in</button></div>
${identityButtons(login.developmentIdentities)}</form>
</section>
`;
}

/** Never filled in again after a refusal. */
function secretField(login: LoginPage): Html {
	return html`<div class="field"><label for="secret">Secret of this instance</label>
<p class="small soft" id="secret-hint">Whoever runs the instance has it</p>
<input class="input" id="secret" name="secret" type="password" required autocomplete="off" maxlength="200" ${stateOf(login, 'secret', 'secret-hint')}></div>`;
}

/** Attributes: what describes a field, and of the one that was refused that it is wrong. The browser then begins there. */
function stateOf({ refusal }: LoginPage, field: 'email' | 'secret', describedBy: string): Html {
	return refusal?.field === field
		? html`autofocus aria-invalid="true" aria-describedby="refusal ${describedBy}"`
		: html`aria-describedby="${describedBy}"`;
}

/** One click each. The field for an address need not be filled in then. */
function identityButtons(identities: readonly string[]): Html {
	if (identities.length === 0) return html``;
	const buttons = identities.map(
		(address) =>
			html`<li><button class="button" type="submit" name="identity" value="${address}" formnovalidate>${icon('person')}<span>Continue as ${foreign(address, 320)}</span></button></li>
`,
	);
	return html`<p class="soft">or as one of the people of this instance</p>
<ul class="ways">
${buttons}</ul>`;
}

/** Read out when the page opens, with the way to the field. */
export function errorSummary(detail: string, fieldId: string): Html {
	return html`<div class="note bad" role="alert" id="refusal">${icon('cross')}<p><strong>Not signed in.</strong> <a href="#${fieldId}">${seen(detail, 500)}</a></p></div>`;
}
