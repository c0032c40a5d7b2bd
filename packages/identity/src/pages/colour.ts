/** Colours of sRGB, and how well one can be read on another (WCAG 2.2, relative luminance and contrast ratio). */

/** `#rrggbb`. */
export type Colour = string;

export const COLOUR = /^#[0-9a-f]{6}$/i;

/** From 1 (the same) to 21 (black on white). */
export function contrastOf(one: Colour, other: Colour): number {
	const [light = 0, dark = 0] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => b - a);
	return (light + 0.05) / (dark + 0.05);
}

/** A little of `colour` in `ground`: `share` from 0 to 1. */
export function tintOf(colour: Colour, ground: Colour, share: number): Colour {
	const under = channelsOf(ground);
	const mixed = channelsOf(colour).map((value, i) => Math.round(value * share + (under[i] ?? 0) * (1 - share)));
	return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

function channelsOf(colour: Colour): readonly number[] {
	return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

function luminanceOf(colour: Colour): number {
	const [red = 0, green = 0, blue = 0] = channelsOf(colour).map((value) => {
		const share = value / 255;
		return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
