/**
 * The out-of-band answer: a client that cannot receive a redirect names a URN instead of a URL, and the person copies
 * the code from a page into the client.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { html } from '../pages/html.ts';
import { sendPage } from './koa-page.ts';
import { OUT_OF_BAND } from './redirect-uri.ts';

/** Middleware: replaces a redirect to the out-of-band URN with a page that shows what it carries. */
export async function showCodeOutOfBand(ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> {
	await next();
	const location = ctx.res.getHeader('location');
	if (typeof location !== 'string' || !location.startsWith(OUT_OF_BAND)) return;
	const answer = new URL(location).searchParams;
	const code = answer.get('code');
	ctx.remove('location');
	ctx.status = code === null ? 400 : 200;
	if (code === null)
		return sendPage(ctx, {
			title: 'You are not signed in',
			body: html`<p class="refusal">${answer.get('error') ?? 'error'}: ${answer.get('error_description') ?? ''}</p>`,
		});
	sendPage(ctx, {
		title: 'Almost done',
		body: html`<p>Copy this code into the program that asked you to sign in. It works once and for one minute.</p>
<p class="code" id="code">${code}</p>
<p>Give it to nobody else: whoever started that program signs as you.</p>`,
	});
}
