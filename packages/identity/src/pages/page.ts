/**
 * The frame of every page, and its headers. Pages have no script, and load nothing but fonts and images of our own origin.
 */
import { type Html, html } from './html.ts';
import { type IconName, icon, seal } from './icons.ts';
import type { PageFrame } from './page-frame.ts';

/** How a page looks: it asks, it is done, one has to look at it, or something was refused. */
export type Tone = 'ask' | 'good' | 'warn' | 'bad';

export interface Page {
	/** The only `h1`. */
	readonly title: string;
	/** A few words above the title: what the page is about. */
	readonly word: string;
	readonly tone: Tone;
	readonly sign: IconName;
	readonly body: Html;
	/** Where a form of this page may lead after redirects, in addition to our own origin: CSP source expressions. */
	readonly formTargets?: readonly string[];
}

export interface RenderedPage {
	readonly body: string;
	/** Lower-case names. */
	readonly headers: Readonly<Record<string, string>>;
}

const LOGO_HEIGHT = 36;

/** The page as bytes to send. Never cached: each page belongs to one sign-in. */
export function renderPage(frame: PageFrame, page: Page): RenderedPage {
	const head = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${page.title} - ${frame.name}</title>
${frame.fontUrls.map(
	(url) => html`<link rel="preload" as="font" crossorigin href="${url}">
`,
)}<link rel="icon" href="${frame.iconUrl}">
<style>`;
	const rest = html`</style>
</head>
<body>
${banners(frame)}<header class="top"><div class="wrap">${mark(frame)}<div><p class="name">${frame.name}</p><p class="host">${frame.host}</p></div></div></header>
<main><div class="wrap"><div class="sheet ${page.tone}">
<div class="head">${icon(page.sign, 'sign')}<div class="titles"><p class="word">${page.word}</p><h1>${page.title}</h1></div></div>
<div class="body">
${page.body}
</div>
</div></div></main>
<footer class="foot"><div class="wrap">${footer(frame)}</div></footer>
</body>
</html>
`;
	return {
		// The style sheet is ours and not a value to be escaped; its hash is that of these bytes.
		body: head.text + frame.style + rest.text,
		headers: {
			'content-type': 'text/html; charset=utf-8',
			'content-security-policy': policyOf(frame, page),
			'x-frame-options': 'DENY',
			'x-content-type-options': 'nosniff',
			// Not no-referrer: with that policy browsers send `Origin: null` with our own forms, and we check it.
			'referrer-policy': 'same-origin',
			'cross-origin-opener-policy': 'same-origin',
			'cross-origin-resource-policy': 'same-origin',
			'cache-control': 'no-store',
		},
	};
}

function policyOf({ styleSource }: PageFrame, { formTargets = [] }: Page): string {
	const formAction = ["'self'", ...formTargets].join(' ');
	return `default-src 'none'; style-src ${styleSource}; font-src 'self'; img-src 'self'; form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`;
}

function banners({ isDevelopment, notice }: PageFrame): Html {
	return html`${
		isDevelopment
			? html`<aside class="banner" aria-label="About this instance"><div class="wrap">${icon('warning')}<p><strong>Development instance.</strong> What is signed with it proves nothing to anybody else.</p></div></aside>
`
			: ''
	}${
		notice === undefined
			? ''
			: html`<aside class="banner own" aria-label="Notice"><div class="wrap">${icon('information')}<p>${notice}</p></div></aside>
`
	}`;
}

/** Without words of its own, because the name stands beside it. */
function mark({ logo }: PageFrame): Html {
	if (!logo) return seal;
	return html`<img class="logo" src="${logo.url}" alt="" width="${Math.round(LOGO_HEIGHT * logo.ratio)}" height="${LOGO_HEIGHT}">`;
}

function footer({ host, helpUrl, privacyUrl }: PageFrame): Html {
	return html`<span>Sign-in service of ${host}</span>${
		helpUrl === undefined ? '' : html`<a href="${helpUrl}">Help</a>`
	}${privacyUrl === undefined ? '' : html`<a href="${privacyUrl}">Privacy</a>`}`;
}
