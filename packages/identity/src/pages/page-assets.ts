/**
 * The files that pages show: fonts, the logo, the icon. Each has the digest of its bytes in its name, so that browsers keep it
 * for good and another version has another name.
 */
import { createHash } from 'node:crypto';
import { AUTH_PATH } from '@chancery/wire/identity';

export const ASSETS_PATH = `${AUTH_PATH}/assets`;

const EXTENSIONS = { 'font/woff2': 'woff2', 'image/png': 'png', 'image/svg+xml': 'svg' } as const;
/** Of the hexadecimal SHA-256: enough to tell versions apart; nobody but us chooses the bytes. */
const DIGEST_CHARS = 16;

export interface Asset {
	readonly bytes: Uint8Array;
	/** Lower-case names. */
	readonly headers: Readonly<Record<string, string>>;
}

export class PageAssets {
	readonly #byName = new Map<string, Asset>();

	/** Returns the address, below our own origin, at which `bytes` are served. */
	publish(name: string, mediaType: keyof typeof EXTENSIONS, bytes: Uint8Array): string {
		const digest = createHash('sha256').update(bytes).digest('hex').slice(0, DIGEST_CHARS);
		const file = `${name}.${digest}.${EXTENSIONS[mediaType]}`;
		this.#byName.set(file, { bytes, headers: headersOf(mediaType) });
		return `${ASSETS_PATH}/${file}`;
	}

	/** `name` is the last segment of the address, as somebody asked for it. */
	find(name: string): Asset | undefined {
		return this.#byName.get(name);
	}
}

function headersOf(mediaType: string): Readonly<Record<string, string>> {
	return {
		'content-type': mediaType,
		'cache-control': 'public, max-age=31536000, immutable',
		'x-content-type-options': 'nosniff',
		'cross-origin-resource-policy': 'same-origin',
		// Opened on its own, an SVG of the operator's is a document of our origin: it runs nothing, loads nothing and is nobody.
		'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
	};
}
