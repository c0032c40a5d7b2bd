/**
 * The logo of whoever runs the service: a file that is read once. It is shown by `<img>`, in which an SVG runs no script and
 * loads nothing; opened on its own it has a policy against both.
 */
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';

const MAX_BYTES = 64 * 1024;
const PNG = Buffer.from('89504e470d0a1a0a', 'hex');
const SVG =
	/^\ufeff?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*(?:<!DOCTYPE[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<svg[\s/>]/;

export interface Logo {
	readonly mediaType: 'image/png' | 'image/svg+xml';
	readonly bytes: Uint8Array;
	/** Width divided by height, so that the page keeps its room free; 1 where the file does not say. */
	readonly ratio: number;
}

/** What a configuration names: prints itself as the name, without the bytes. */
export class LogoFile implements Logo {
	readonly file: string;
	readonly mediaType: Logo['mediaType'];
	readonly bytes: Uint8Array;
	readonly ratio: number;

	constructor(file: string, { mediaType, bytes, ratio }: Logo) {
		this.file = file;
		this.mediaType = mediaType;
		this.bytes = bytes;
		this.ratio = ratio;
	}

	toJSON(): { file: string } {
		return { file: this.file };
	}
}

/** Schema of `{ file: PATH }`, which is read while the configuration is parsed. */
export function logoFile() {
	return z
		.strictObject({ file: z.string().min(1).describe('Path of a PNG or SVG file of at most 64 KiB.') })
		.transform(({ file }, context): LogoFile => {
			const found = read(file);
			if (typeof found !== 'string') return new LogoFile(file, found);
			context.issues.push({ code: 'custom', message: `the file ${file} ${found}`, input: file });
			return z.NEVER;
		});
}

/** The logo, or why it is none. */
function read(path: string): Logo | string {
	try {
		const stats = statSync(path);
		// Before it is opened: a pipe would never end.
		if (!stats.isFile()) return 'is not a file';
		if (stats.size > MAX_BYTES) return `has ${stats.size} bytes; a logo has at most ${MAX_BYTES}`;
		return logoOf(readFileSync(path)) ?? 'is neither a PNG nor an SVG';
	} catch (error) {
		return `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
	}
}

/** By its contents: a name says nothing. Undefined when they are no image that we show. */
export function logoOf(bytes: Buffer): Logo | undefined {
	// The first chunk of a PNG (ISO 15948 section 11.2.1) begins with width and height.
	if (bytes.subarray(0, PNG.length).equals(PNG) && bytes.length >= 24)
		return { mediaType: 'image/png', bytes, ratio: ratioOf(bytes.readUInt32BE(16), bytes.readUInt32BE(20)) };
	const text = bytes.toString('utf8');
	if (!SVG.test(text)) return undefined;
	const tag = /<svg[^>]*>/.exec(text)?.[0] ?? '';
	const [, width, height] = /\sviewBox\s*=\s*["'][^"']*?([\d.]+)[\s,]+([\d.]+)\s*["']/.exec(tag) ?? [];
	return { mediaType: 'image/svg+xml', bytes, ratio: ratioOf(Number(width), Number(height)) };
}

/** Between a column and a banner; what is wider or higher is shown smaller. */
function ratioOf(width: number, height: number): number {
	const ratio = width / height;
	return Number.isFinite(ratio) && ratio > 0 ? Math.min(Math.max(ratio, 0.25), 6) : 1;
}
