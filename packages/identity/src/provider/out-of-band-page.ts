/**
 * The out-of-band answer: a client that cannot receive a redirect names a URN instead of a URL, and the person copies
 * the code from a page into the client.
 */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { codePage } from '../pages/code-page.ts';
import type { PageFrame } from '../pages/page-frame.ts';
import { refusalPage } from '../pages/refusal-page.ts';
import { sendPage } from './koa-page.ts';
import { OUT_OF_BAND } from './redirect-uri.ts';

/** Middleware: replaces a redirect to the out-of-band URN with a page that shows what it carries. */
export function showCodeOutOfBand(frame: PageFrame) {
	return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
		await next();
		const location = ctx.res.getHeader('location');
		if (typeof location !== 'string' || !location.startsWith(OUT_OF_BAND)) return;
		const answer = new URL(location).searchParams;
		const code = answer.get('code');
		ctx.remove('location');
		ctx.status = code === null ? 400 : 200;
		sendPage(ctx, frame, code === null ? noCode(answer) : codePage(code));
	};
}

function noCode(answer: URLSearchParams) {
	return refusalPage({
		title: 'There is no code to copy',
		detail: answer.get('error_description') ?? 'There is no code.',
		code: answer.get('error') ?? 'error',
		status: 400,
	});
}
