/** Sends one of our pages from a middleware of the provider. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { isMarked } from '../development/marker.ts';
import { type Page, renderPage } from '../pages/page.ts';

/** Sends `page`; the status is not changed. */
export function sendPage(ctx: Pick<KoaContextWithOIDC, 'set' | 'body' | 'res'>, page: Page): void {
	const { body, headers } = renderPage(page, isMarked(ctx.res));
	ctx.body = body;
	ctx.set({ ...headers });
}
