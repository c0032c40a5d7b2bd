/**
 * The typefaces of the pages: IBM Plex (SIL Open Font License 1.1, whose text is in the packages that the files come from).
 * Three files, of Latin letters; a code to type or copy is in the system's own monospaced font.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

interface Font {
	readonly family: string;
	readonly weight: number;
	/** In a package of npm. */
	readonly source: string;
}

export interface FontFile extends Omit<Font, 'source'> {
	readonly url: string;
}

const FONTS: readonly Font[] = [
	{ family: 'Plex Sans', weight: 400, source: '@fontsource/ibm-plex-sans/files/ibm-plex-sans-latin-400-normal.woff2' },
	{ family: 'Plex Sans', weight: 600, source: '@fontsource/ibm-plex-sans/files/ibm-plex-sans-latin-600-normal.woff2' },
	{
		family: 'Plex Serif',
		weight: 500,
		source: '@fontsource/ibm-plex-serif/files/ibm-plex-serif-latin-500-normal.woff2',
	},
];

/** Reads the files; `publish` returns the address at which one is served. */
export function openFonts(publish: (name: string, bytes: Uint8Array) => string): readonly FontFile[] {
	return FONTS.map(({ family, weight, source }) => {
		const bytes = readFileSync(fileURLToPath(import.meta.resolve(source)));
		return { family, weight, url: publish(`${family.toLowerCase().replace(' ', '-')}-${weight}`, bytes) };
	});
}
