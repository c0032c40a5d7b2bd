/** Our own drawings: strokes in a box of 20 by 20, in the colour of the text. Hidden from screen readers: words say the same. */
import { Html } from './html.ts';

const PATHS = {
	/** A card with a person on it: an account at a provider. */
	account:
		'<rect x="2" y="4" width="16" height="12" rx="2"/><circle cx="7" cy="9" r="1.8"/><path d="M4.4 13.2c.5-1.5 1.4-2 2.6-2s2.1.5 2.6 2M12 8.5h3.5M12 11.5h2.5"/>',
	person: '<circle cx="10" cy="6.5" r="3.3"/><path d="M3.8 17c.6-3.6 3.2-5.3 6.2-5.3s5.6 1.7 6.2 5.3"/>',
	eye: '<path d="M1.8 10S4.8 4.8 10 4.8 18.2 10 18.2 10 15.2 15.2 10 15.2 1.8 10 1.8 10z"/><circle cx="10" cy="10" r="2.5"/>',
	warning: '<path d="M10 2.9l7.8 13.7H2.2z"/><path d="M10 8v4M10 14.3v.1"/>',
	information: '<circle cx="10" cy="10" r="7.8"/><path d="M10 9.2v4.6M10 6.3v.1"/>',
	question:
		'<circle cx="10" cy="10" r="8"/><path d="M7.6 8c0-1.4 1.1-2.3 2.4-2.3s2.4.9 2.4 2.2c0 1.9-2.4 1.9-2.4 3.8M10 14.2v.1"/>',
	cross: '<circle cx="10" cy="10" r="8"/><path d="M7 7l6 6M13 7l-6 6"/>',
	tick: '<circle cx="10" cy="10" r="8"/><path d="M6.4 10.4l2.5 2.5 4.8-5.5"/>',
	key: '<circle cx="6.4" cy="13.6" r="4.2"/><path d="M9.4 10.6L17.8 2.2M13.7 6.3l2.9 2.9M16.3 3.7l1.7 1.7"/>',
	device: '<rect x="2" y="3.5" width="16" height="10.5" rx="1.5"/><path d="M6.5 17h7M5.5 7l2 1.8-2 1.8M9.5 10.6h3"/>',
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName, size: 'icon' | 'sign' = 'icon'): Html {
	return new Html(`<svg class="${size}" viewBox="0 0 20 20" aria-hidden="true">${PATHS[name]}</svg>`);
}

/** A seal: what pages show that have no logo. Its rays are the gaps of dashed rings. */
const SEAL =
	'<circle cx="20" cy="20" r="18.5"/><circle cx="20" cy="20" r="10.5" stroke-width="7" stroke-dasharray="1.1 3.024"/><circle cx="20" cy="20" r="3.4" class="core"/>';

export const seal = new Html(`<svg class="seal" viewBox="0 0 40 40" aria-hidden="true">${SEAL}</svg>`);

/** The same as a file, for the tab of the browser. */
export const SEAL_FILE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><style>circle{fill:none;stroke:#2a4a8f;stroke-width:2}.core{fill:#2a4a8f;stroke:none}@media (prefers-color-scheme:dark){circle{stroke:#a9beff}.core{fill:#a9beff}}</style>${SEAL}</svg>`;
