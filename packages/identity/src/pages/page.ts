/**
 * The frame of every page, and its headers. Pages have no script and load nothing; the only style sheet is inline, and the
 * policy names its hash.
 */
import { createHash } from 'node:crypto';
import { type Html, html } from './html.ts';

export interface Page {
	readonly title: string;
	readonly body: Html;
	/** Where a form of this page may lead after redirects, in addition to our own origin: CSP source expressions. */
	readonly formTargets?: readonly string[];
}

export interface RenderedPage {
	readonly body: string;
	/** Lower-case names. */
	readonly headers: Readonly<Record<string, string>>;
}

const STYLE = `
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 10vh auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
input:not([type=hidden]) { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .5rem; margin-top: .25rem; }
button { font: inherit; padding: .5rem 1.25rem; margin-top: .5rem; }
.banner { border-bottom: 2px solid; padding-bottom: .5rem; }
.warning, .refusal { border: 2px solid; padding: .5rem .75rem; }
.code { font: 1.25rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; user-select: all; padding: .75rem; border: 1px solid; }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

const BANNER = html`<p class="banner" role="note"><strong>Development instance.</strong> Anyone with access to it can sign in as
anyone, so its certificates prove nothing elsewhere.</p>
`;

/**
 * The page as bytes to send. Never cached: each page belongs to one sign-in.
 * @param isDevelopment whether the identities of this instance prove nothing, which every page then says
 */
export function renderPage(page: Page, isDevelopment: boolean): RenderedPage {
	const formAction = ["'self'", ...(page.formTargets ?? [])].join(' ');
	const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${page.title}</title>
<style>`;
	const rest = html`</style>
</head>
<body>
${isDevelopment ? BANNER : ''}<main>
<h1>${page.title}</h1>
${page.body}
</main>
</body>
</html>
`;
	return {
		body: document.text + STYLE + rest.text,
		headers: {
			'content-type': 'text/html; charset=utf-8',
			'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action ${formAction}; base-uri 'none'; frame-ancestors 'none'`,
			'x-frame-options': 'DENY',
			'x-content-type-options': 'nosniff',
			// Not no-referrer: with that policy browsers send `Origin: null` with our own forms, and we check it.
			'referrer-policy': 'same-origin',
			'cache-control': 'no-store',
		},
	};
}
