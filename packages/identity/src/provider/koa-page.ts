/** Sends one of our pages from inside the provider. */
import type { KoaContextWithOIDC } from 'oidc-provider';
import { type Page, renderPage } from '../pages/page.ts';

/** Answers `page`; the status stays what it is. */
export function sendPage(ctx: Pick<KoaContextWithOIDC, 'set' | 'body'>, page: Page): void {
	const { body, headers } = renderPage(page);
	ctx.body = body;
	ctx.set({ ...headers });
}
