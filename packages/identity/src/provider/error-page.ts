/** Errors of the provider for a person, who cannot be sent back to the client with them. */
import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider';
import type { PageFrame } from '../pages/page-frame.ts';
import { refusalPage } from '../pages/refusal-page.ts';
import { sendPage } from './koa-page.ts';

/** The error of OAuth as a page. The status is set already. */
export function sendErrorPage(ctx: KoaContextWithOIDC, frame: PageFrame, out: ErrorOut): void {
	const isOurs = ctx.status >= 500;
	const page = refusalPage({
		title: isOurs ? 'Something went wrong here' : 'This request cannot be served',
		detail: isOurs ? 'This service has failed; it is nothing that you did.' : (out.error_description ?? out.error),
		code: out.error,
		status: ctx.status,
		requestId: requestIdOf(ctx),
	});
	sendPage(ctx, frame, page);
}

/** Middleware: a page for a path below the issuer that nothing answers, where a browser asks. */
export function answerUnknownPaths(frame: PageFrame) {
	return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
		await next();
		if (ctx.status !== 404 || ctx.body != null || ctx.accepts('json', 'html') !== 'html') return;
		// Setting a body makes it 200 otherwise.
		ctx.status = 404;
		const page = refusalPage({
			title: 'There is no such page',
			detail: 'Nothing has this address.',
			code: 'not-found',
			status: 404,
			requestId: requestIdOf(ctx),
		});
		sendPage(ctx, frame, page);
	};
}

/** The listener has set it before the provider was called. */
function requestIdOf(ctx: KoaContextWithOIDC): string {
	return String(ctx.res.getHeader('x-request-id') ?? '');
}
