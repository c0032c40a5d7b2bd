/** The pages of the device flow (RFC 8628 section 3.3): type the code, confirm it, and the end. */
import { foreign } from './foreign-text.ts';
import { html } from './html.ts';
import { errorSummary } from './login-page.ts';
import type { Page } from './page.ts';

interface DeviceForm {
	/** Where the form goes. */
	readonly action: string;
	/** Connects the form with the session of this browser. */
	readonly xsrf: string;
}

const MAX_CODE_CHARS = 20;

/** @param typed the code of a link or of the last attempt, from outside */
export function codeEntryPage(form: DeviceForm & { readonly typed: string; readonly refusal?: string }): Page {
	const { action, xsrf, typed, refusal } = form;
	const describedBy = refusal === undefined ? 'code-hint' : 'refusal code-hint';
	return {
		title: 'Sign in on another device',
		word: 'A program without a browser asks who you are',
		tone: 'ask',
		sign: 'device',
		body: html`${refusal === undefined ? '' : errorSummary(refusal, 'user_code')}
<p>Enter the code that the program shows. Continue only if you started the program yourself: whoever did signs as you.</p>
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<div class="field"><label for="user_code">Code</label>
<p class="small soft" id="code-hint">Eight letters, for example BCDF-GHJK</p>
<input class="input code" id="user_code" name="user_code" type="text" required autofocus autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="${MAX_CODE_CHARS}" aria-describedby="${describedBy}" ${refusal === undefined ? '' : INVALID}value="${typed.slice(0, MAX_CODE_CHARS)}"></div>
<div class="row"><button class="button main" type="submit">Continue</button></div>
</form>`,
	};
}

const INVALID = html`aria-invalid="true" `;

/** The code as the provider keeps it, to compare with the one on the other screen. */
export function confirmPage(form: DeviceForm & { readonly clientId: string; readonly userCode: string }): Page {
	const { action, xsrf, clientId, userCode } = form;
	return {
		title: 'Is this your program?',
		word: 'It asks to sign in as you',
		tone: 'warn',
		sign: 'device',
		body: html`<p>Continue only if you started it yourself and it shows this code. If somebody sent you a link or this code, stop: they would sign as you.</p>
<p class="code">${userCode}</p>
<dl class="facts"><dt>Program</dt><dd><strong>${foreign(clientId)}</strong></dd></dl>
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<input type="hidden" name="user_code" value="${userCode}">
<div class="row"><button class="button main" type="submit" name="confirm" value="yes">Yes, continue</button>
<button class="button" type="submit" name="abort" value="yes">No, stop</button></div>
</form>`,
	};
}

/** The end, in the browser. */
export function signedInPage(): Page {
	return {
		title: 'You are signed in',
		word: 'Done',
		tone: 'good',
		sign: 'tick',
		body: html`<p>Go back to the program. This page can be closed.</p>`,
	};
}

/** After `No, stop`. */
export function stoppedPage(): Page {
	return {
		title: 'Stopped',
		word: 'Not signed in',
		tone: 'warn',
		sign: 'cross',
		body: html`<p>The program is not signed in. This page can be closed.</p>`,
	};
}
