/** HTML templates without injection: every value in a template is escaped, unless it is HTML already. */

/** Finished HTML. */
export class Html {
	readonly text: string;

	constructor(text: string) {
		this.text = text;
	}
}

type Piece = string | number | Html | readonly Html[];

/** A template whose values are escaped for text and for quoted attributes. Attributes must be quoted with `"`. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
	return new Html(strings.map((text, i) => text + (i < pieces.length ? render(pieces[i] ?? '') : '')).join(''));
}

function render(piece: Piece): string {
	if (piece instanceof Html) return piece.text;
	if (Array.isArray(piece)) return piece.map((part: Html) => part.text).join('');
	return escapeText(String(piece));
}

const ESCAPES: Readonly<Record<string, string>> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;',
};

function escapeText(text: string): string {
	return text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? '');
}
