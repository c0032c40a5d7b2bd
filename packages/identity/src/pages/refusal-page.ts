/** The page that says why something is not possible, and what to do next. */
import { foreign } from './foreign-text.ts';
import { html } from './html.ts';
import type { Page } from './page.ts';

export interface Refusal {
	readonly title: string;
	/** May quote what somebody sent. */
	readonly detail: string;
	/** Stable, for whoever helps. */
	readonly code: string;
	/** HTTP status: from 500 on it is not the person's doing. */
	readonly status: number;
	/** Under which our logs have it. */
	readonly requestId?: string;
}

const MAX_DETAIL_CHARS = 500;
const FAULT = 'Try again in a minute. If it happens again, tell whoever runs this service, with the number below.';
const START_AGAIN = 'Start again from the program that sent you here.';

/** What to do where starting again is not the answer, or not all of it. */
const NEXT: Readonly<Record<string, string>> = {
	'login-expired': `${START_AGAIN} A sign-in waits ten minutes, in the browser that began it.`,
	'wrong-host': 'Go to the address that your program opens, and look at the address bar.',
	'wrong-origin': `Do not sign in from the page that you came from. ${START_AGAIN}`,
	'upstream-unavailable': 'Try again in a few minutes, or sign in another way.',
	'upstream-refused': `${START_AGAIN} If you meant to sign in, ask whoever runs the provider whether you may.`,
	'not-found': 'Check the address. To sign in, start from the program that you sign with: it opens the right page.',
	'method-not-allowed': 'To sign in, start from the program that you sign with: it opens the right page.',
	overloaded: 'Wait a minute, and try again.',
	unavailable: 'Try again in a minute.',
	internal: FAULT,
	server_error: FAULT,
};

export function refusalPage({ title, detail, code, status, requestId }: Refusal): Page {
	const { word, tone, sign } = lookOf(status);
	return {
		title,
		word,
		tone,
		sign,
		body: html`<p>${foreign(asSentence(detail), MAX_DETAIL_CHARS)}</p>
<p>${NEXT[code] ?? START_AGAIN}</p>
<p class="small soft">Code <code>${foreign(code, 100)}</code>${
			requestId === undefined ? '' : html`, request <code>${foreign(requestId, 100)}</code>`
		}</p>`,
	};
}

function lookOf(status: number): Pick<Page, 'word' | 'tone' | 'sign'> {
	if (status >= 500) return { word: 'Not possible at the moment', tone: 'warn', sign: 'warning' };
	if (status === 404 || status === 405) return { word: 'Nothing here', tone: 'ask', sign: 'question' };
	return { word: 'Not signed in', tone: 'bad', sign: 'cross' };
}

/** Details of a library begin small and end without a stop. The name of a parameter stays as it is. */
function asSentence(detail: string): string {
	const begun = detail.replace(/^[a-z](?=[a-z]* )/, (first) => first.toUpperCase());
	return begun === '' || /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
