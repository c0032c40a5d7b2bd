/** What all pages of one service have in common, made once at start. */
import { createHash } from 'node:crypto';
import type { Branding } from './branding.ts';
import { openFonts } from './fonts.ts';
import { SEAL_FILE } from './icons.ts';
import { PageAssets } from './page-assets.ts';
import { ACCENT } from './palette.ts';
import { styleOf } from './style.ts';

export interface PageFrame {
	readonly name: string;
	/** Host and port of the service, as people should see them in the address bar. */
	readonly host: string;
	readonly logo: { readonly url: string; readonly ratio: number } | undefined;
	/** Of the browser's tab. */
	readonly iconUrl: string;
	/** What is fetched while the browser still reads the page. */
	readonly fontUrls: readonly string[];
	readonly style: string;
	/** CSP source expression of `style`. */
	readonly styleSource: string;
	readonly notice: string | undefined;
	readonly helpUrl: string | undefined;
	readonly privacyUrl: string | undefined;
	/** Whether what is signed here means nothing elsewhere, which every page then says. */
	readonly isDevelopment: boolean;
	/** What the pages load from us. */
	readonly assets: PageAssets;
}

export function createPageFrame(
	branding: Branding,
	{ publicUrl, isDevelopment }: Pick<PageFrame, 'isDevelopment'> & { readonly publicUrl: string },
): PageFrame {
	const assets = new PageAssets();
	const fonts = openFonts((name, bytes) => assets.publish(name, 'font/woff2', bytes));
	const style = styleOf(branding.accent ?? ACCENT, fonts);
	const { logo } = branding;
	const logoUrl = logo && assets.publish('logo', logo.mediaType, logo.bytes);
	return {
		name: branding.name,
		host: new URL(publicUrl).host,
		logo: logo && logoUrl !== undefined ? { url: logoUrl, ratio: logo.ratio } : undefined,
		iconUrl: logoUrl ?? assets.publish('icon', 'image/svg+xml', new TextEncoder().encode(SEAL_FILE)),
		fontUrls: fonts.map(({ url }) => url),
		style,
		styleSource: `'sha256-${createHash('sha256').update(style).digest('base64')}'`,
		notice: branding.notice,
		helpUrl: branding.helpUrl,
		privacyUrl: branding.privacyUrl,
		isDevelopment,
		assets,
	};
}
