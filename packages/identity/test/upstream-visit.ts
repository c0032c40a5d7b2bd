/** A browser's way to an upstream provider and back: the pages of both, as a person sees them. */
import type { OpenIdProvider } from '@chancery/testkit/openid-provider';
import { Browser, type Visit } from './browser.ts';

/** What the person does at the provider's page. */
export type AtProvider = { readonly user: string } | { readonly cancel: string };

/** Sends the form of the provider's page at `address`, and returns where it sends the browser back to. */
export async function signInAt(
	provider: Pick<OpenIdProvider, 'origin'>,
	address: string,
	form: AtProvider,
): Promise<string> {
	const { pathname, search } = new URL(address);
	const browser = new Browser(provider.origin);
	const page = await browser.open(pathname + search);
	if (page.status !== 200) throw new Error(`the provider shows no form: ${page.status} ${page.body}`);
	const end = await browser.submit(pathname + search, { ...form });
	if (end.leftFor === undefined) throw new Error(`the provider sends nobody back: ${end.status} ${end.body}`);
	return end.leftFor;
}

/** The code that an error page shows; undefined where none is. */
export function shownCode(page: Visit): string | undefined {
	return /Code <code><bdi>([a-z-]+)<\/bdi><\/code>/.exec(page.body)?.[1];
}
