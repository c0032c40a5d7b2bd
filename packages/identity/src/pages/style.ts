/**
 * The style sheet of all pages. It is part of each page, and the policy names its hash: so a page needs one request before it can
 * be used, and a style that somebody smuggles in does not apply.
 *
 * Both themes are those of the system. Nothing moves. In forced colours the borders carry what tints carry elsewhere.
 */
import type { FontFile } from './fonts.ts';
import { type Accent, GROUNDS, INKS, ON_ACCENT, type Shades, TONES } from './palette.ts';

const themed = ({ light, dark }: Shades) => `light-dark(${light},${dark})`;

function variables(accent: Accent): string {
	const named: Readonly<Record<string, Shades>> = {
		...GROUNDS,
		...INKS,
		accent: accent.text,
		'accent-tint': accent.tint,
		'on-accent': ON_ACCENT,
		...Object.fromEntries(
			Object.entries(TONES).flatMap(([name, { text, tint }]) => [
				[name, text],
				[`${name}-tint`, tint],
			]),
		),
	};
	return Object.entries(named)
		.map(([name, colours]) => `--${name}:${themed(colours)};`)
		.join('');
}

/** The text of the style sheet, as small as it goes without a tool. */
export function styleOf(accent: Accent, fonts: readonly FontFile[]): string {
	// `optional`: a font that is not there at once is for the next page, so that text never moves.
	const faces = fonts.map(
		({ family, weight, url }) =>
			`@font-face{font-family:"${family}";font-weight:${weight};font-display:optional;src:url(${url}) format("woff2")}`,
	);
	const rules = RULES.replaceAll(/\s*\n\s*/g, '').replaceAll(/([:;,{]) | (?=[{}])/g, '$1');
	return `${faces.join('')}:root{color-scheme:light dark;${variables(accent)}}${rules}`;
}

const RULES = `
*, ::before, ::after { box-sizing: border-box }
html { font: 400 100%/1.5 "Plex Sans", system-ui, sans-serif; background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100% }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; overflow-wrap: anywhere }
h1, h2, p, dl, dd, ul { margin: 0; padding: 0 }
ul { list-style: none }
h1 { font: 500 1.75rem/1.2 "Plex Serif", Georgia, serif; letter-spacing: -.01em; text-wrap: balance }
h2 { font: 600 1.125rem/1.35 "Plex Sans", system-ui, sans-serif }
strong, label { font-weight: 600 }
a { color: var(--accent); text-underline-offset: .18em; text-decoration-thickness: 1px }
a:hover { text-decoration-thickness: 2px }
code { font: .9375em/1.5 ui-monospace, "Plex Mono", Menlo, Consolas, monospace }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px }
svg { display: block; flex: none }
.icon, .sign { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; width: 1.25rem; height: 1.25rem }
.sign { width: 3.25rem; height: 3.25rem; stroke-width: 1 }
.small { font-size: .875rem }
.soft { color: var(--soft) }

.wrap { width: 100%; max-width: 38rem; margin-inline: auto; padding-inline: clamp(1rem, 4vw, 2rem) }
.banner { background: var(--warn-tint); color: var(--warn); border-block-end: 1px solid; font-size: .875rem }
.banner.own { background: var(--sunk); color: var(--ink); border-color: var(--line) }
.banner .wrap { display: flex; gap: .5rem; padding-block: .5rem; align-items: flex-start }
.top { background: var(--sheet); border-block-end: 1px solid var(--line) }
.top .wrap { display: flex; align-items: center; gap: .75rem; padding-block: .75rem }
.seal { width: 2.25rem; height: 2.25rem; fill: none; color: var(--accent); stroke: currentColor; stroke-width: 1.5 }
.seal .core { fill: currentColor; stroke: none }
.logo { max-width: 9rem; max-height: 2.25rem; object-fit: contain }
.name { font: 500 1.125rem/1.2 "Plex Serif", Georgia, serif }
.host { font-size: .8125rem; line-height: 1.3; color: var(--soft) }
main { flex: 1; padding-block: 2rem 3rem }
.foot { border-block-start: 1px solid var(--line); color: var(--soft); font-size: .875rem }
.foot .wrap { display: flex; flex-wrap: wrap; align-items: baseline; gap: .5rem 1.5rem; padding-block: 1.25rem }
.foot a { color: inherit; padding-block: .2rem }

.sheet { background: var(--sheet); border: 1px solid var(--line); border-block-start: 4px solid var(--tone); border-radius: 6px; box-shadow: 0 1px 2px light-dark(rgb(60 50 30/.08), rgb(0 0 0/.5)); overflow: hidden; --tone: var(--accent); --tint: var(--accent-tint) }
.good { --tone: var(--good); --tint: var(--good-tint) }
.warn { --tone: var(--warn); --tint: var(--warn-tint) }
.bad { --tone: var(--bad); --tint: var(--bad-tint) }
.head { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .25rem 1rem; align-items: center; padding: 1.5rem; background: linear-gradient(var(--tint), var(--sheet)) }
.sign, .word { color: var(--tone) }
.word { font-weight: 600; line-height: 1.3 }
.body { padding: 0 1.5rem 1.5rem; display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.25rem }
.part { border-block-start: 1px solid var(--line); padding-block-start: 1.25rem }
.only, .part, form, .field, .ways { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem }
.ways { gap: .75rem }
.field { gap: .25rem }

.note { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .75rem; padding: .75rem 1rem; border: 1px solid var(--tone); border-radius: 6px; background: var(--tint) }
.note .icon { color: var(--tone); margin-block-start: .125rem }
.note strong { color: var(--tone) }
.note a { color: inherit }
.facts { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: .5rem 1.5rem; align-items: baseline }
.facts dt { font-size: .875rem; color: var(--soft) }

.button { font: 600 .9375rem/1.3 "Plex Sans", system-ui, sans-serif; display: flex; align-items: center; justify-content: center; gap: .625rem; min-height: 2.75rem; min-width: 0; padding: .5rem 1rem; border: 1px solid var(--edge); border-radius: 6px; background: var(--sheet); color: var(--ink); text-decoration: none; text-align: start; cursor: pointer; overflow-wrap: anywhere }
.button:hover { background: var(--sunk) }
.button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent) }
.button.main:hover { text-decoration: underline }
.ways .button { width: 100%; justify-content: flex-start; min-height: 3.25rem }
.button .icon { color: var(--accent) }
.row { display: flex; flex-wrap: wrap; gap: .75rem }
.input { font: 400 1rem/1.5 "Plex Sans", system-ui, sans-serif; color: var(--ink); background: var(--paper); border: 1px solid var(--edge); border-radius: 6px; padding: .5rem .75rem; min-height: 2.75rem; width: 100%; min-width: 0 }
.input[aria-invalid] { border: 2px solid var(--bad) }
.wrong { color: var(--bad); font-weight: 600 }
.code { font: 400 1.5rem/1.4 ui-monospace, "Plex Mono", Menlo, Consolas, monospace; letter-spacing: .04em; background: var(--sunk); border: 1px solid var(--edge); border-radius: 6px; padding: .75rem 1rem; text-align: center; -webkit-user-select: all; user-select: all }
#code { font-size: 1.125rem; letter-spacing: 0; text-align: start }
.input.code { text-align: start; background: var(--paper); -webkit-user-select: text; user-select: text }
.keyboard:not(:focus-within) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
@media (max-width: 30rem) {
.wrap { padding-inline: .75rem }
main { padding-block-start: 1rem }
.head, .body { padding-inline: 1rem }
.head { gap: .5rem .75rem }
.head h1 { grid-column: 1/-1 }
.sign { width: 2.25rem; height: 2.25rem; stroke-width: 1.3 }
.titles { display: contents }
h1 { font-size: 1.5rem }
.facts { grid-template-columns: minmax(0, 1fr); gap: 0 }
.facts dd { margin-block-end: .5rem }
.row .button { flex: 1 1 100% }
}
@media (forced-colors: active) { svg { color: inherit !important } .sheet { border-color: CanvasText } .button.main { forced-color-adjust: none; background: ButtonText; color: ButtonFace; border-color: ButtonText } }
@media print { .banner, .top, .foot { display: none } }
`;
