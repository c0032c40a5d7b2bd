/** The colours of the pages, each for the light and for the dark theme. */
import { type Colour, contrastOf, tintOf } from './colour.ts';

export interface Shades {
	readonly light: Colour;
	readonly dark: Colour;
}

const shades = (light: Colour, dark: Colour): Shades => ({ light, dark });

/** What text stands on. */
export const GROUNDS = {
	paper: shades('#f6f4ee', '#13151a'),
	sheet: shades('#ffffff', '#1b1e26'),
	sunk: shades('#efece3', '#0e1014'),
} as const;

export const INKS = {
	ink: shades('#1c1b19', '#ece9e2'),
	soft: shades('#5a564d', '#aeaaa0'),
	/** Ornament; nothing has to be recognized by it. */
	line: shades('#ded9cd', '#31353f'),
	/** Around controls. */
	edge: shades('#8a8375', '#767c8a'),
} as const;

/** Each as text on its own tint: the head of a page and its notes. */
export const TONES = {
	good: { text: shades('#17633a', '#7bd19c'), tint: shades('#e4f2ea', '#16301f') },
	warn: { text: shades('#7a4b00', '#f0bf6a'), tint: shades('#fbefd8', '#33270f') },
	bad: { text: shades('#a3231b', '#ff9d92'), tint: shades('#fbe7e4', '#3d1c19') },
} as const;

export interface Accent {
	readonly text: Shades;
	readonly tint: Shades;
}

export const ACCENT: Accent = { text: shades('#2a4a8f', '#a9beff'), tint: shades('#e8edf8', '#222b45') };
/** Text on a button of the accent's colour. Further from the accent than paper is, so that it can be read where that can. */
export const ON_ACCENT = shades('#ffffff', '#10162b');

/** WCAG 2.2 AA, 1.4.3: text of normal size. */
export const LEAST_CONTRAST = 4.5;

const TINT_SHARES = { light: 0.08, dark: 0.1 } as const;

/** An accent in the colours of whoever runs the service. */
export function accentOf(text: Shades): Accent {
	const tint = (theme: keyof Shades) => tintOf(text[theme], GROUNDS.sheet[theme], TINT_SHARES[theme]);
	return { text, tint: { light: tint('light'), dark: tint('dark') } };
}

/** Where an accent cannot be read: one sentence each, with the ratio. None when it can be read everywhere. */
export function unreadable({ text, tint }: Accent): readonly string[] {
	const grounds = { ...GROUNDS, 'its own tint': tint };
	return (['light', 'dark'] as const).flatMap((theme) =>
		Object.entries(grounds).flatMap(([name, ground]) => {
			const ratio = contrastOf(text[theme], ground[theme]);
			if (ratio >= LEAST_CONTRAST) return [];
			// Rounded down: 4.499 is too little and must not read as enough.
			const shown = (Math.floor(ratio * 100) / 100).toFixed(2);
			return [
				`${text[theme]} on ${name} of the ${theme} theme (${ground[theme]}) has a contrast of ${shown}:1, and ${LEAST_CONTRAST}:1 is needed to read it`,
			];
		}),
	);
}
