/** Sends one of our pages from a middleware of the provider. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Page, renderPage } from '../pages/page.ts';
import type { PageFrame } from '../pages/page-frame.ts';

/** Sends `page`; the status is not changed. */
export function sendPage(ctx: Pick<KoaContextWithOIDC, 'set' | 'body'>, frame: PageFrame, page: Page): void {
	const { body, headers } = renderPage(frame, page);
	ctx.body = body;
	ctx.set({ ...headers });
}
