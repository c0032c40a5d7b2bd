/** The page that shows an authorization code, for a client that cannot receive a redirect. */
import { html } from './html.ts';
import { icon } from './icons.ts';
import type { Page } from './page.ts';

/**
 * One click selects the whole code. With the keyboard the next Tab reaches a field that appears then, with all of the code
 * selected: a selection of the page's own text needs a pointer.
 */
export function codePage(code: string): Page {
	return {
		title: 'Almost done',
		word: 'You are signed in here, but not yet there',
		tone: 'good',
		sign: 'key',
		body: html`<p>Copy this code into the program that asked you to sign in. It works once and for one minute.</p>
<div class="field"><p class="code" id="code">${code}</p>
<div class="field keyboard"><label for="code-field">The code, selected: copy it with Ctrl+C</label>
<input class="input" id="code-field" type="text" readonly autocomplete="off" spellcheck="false" value="${code}"></div></div>
<div class="note warn">${icon('warning')}<p><strong>Give it to nobody else.</strong> Whoever started that program signs as you.</p></div>`,
	};
}
