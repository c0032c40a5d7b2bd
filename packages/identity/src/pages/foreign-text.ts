/**
 * Text that somebody else chose (a client, a provider, a person), for a page. It is escaped like everything in a template;
 * what is done here is against text that looks like other text.
 */
import { type Html, html } from './html.ts';

/** Controls, format characters (among them the bidirectional marks), private use, unassigned, and separators but the space. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]|[\p{Zs}--\u0020]/gv;

/**
 * `text` as characters that can be seen: a control or a bidirectional mark is written as its number (`U+202E`), and what is
 * longer than `maxChars` ends in an ellipsis.
 */
export function seen(text: string, maxChars = 200): string {
	const cut = text.length > maxChars ? `${text.slice(0, maxChars)}…` : text;
	return cut.toWellFormed().replace(UNSEEN, nameOf);
}

/** The same as an element of its own, whose direction does not change the text around it. */
export function foreign(text: string, maxChars?: number): Html {
	return html`<bdi>${seen(text, maxChars)}</bdi>`;
}

function nameOf(char: string): string {
	return ` U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} `;
}
