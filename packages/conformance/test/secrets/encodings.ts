/**
 * The forms in which a secret may be found: as bytes, and in the forms that a log, a database, a shell or a debugger makes of bytes.
 * Each form has the minimum length of a piece that counts as found.
 */

/** A secret, and how much of it counts as a leak. */
export interface Secret {
	/** Name in findings; states the kind and never the value. */
	readonly name: string;
	readonly bytes: Buffer;
	/** So many consecutive bytes are a leak. Default 16, half of each of our keys, or all bytes when there are fewer. */
	readonly leakBytes?: number;
}

export interface Form {
	readonly secret: string;
	readonly encoding: string;
	readonly text: Buffer;
	/** A shorter match is a coincidence. */
	readonly minLength: number;
}

const LEAK_BYTES = 16;
/** In hundreds of megabytes, shorter forms are found by coincidence. */
export const MIN_FORM_LENGTH = 8;

/** Every form of `secret`, without duplicates. */
export function formsOf(secret: Secret): Form[] {
	const { name, bytes } = secret;
	const leak = Math.min(secret.leakBytes ?? LEAK_BYTES, bytes.length);
	if (leak < MIN_FORM_LENGTH) throw new TypeError(`${name} is too short to be looked for`);
	const isWhole = leak === bytes.length;
	const forms: [encoding: string, text: Buffer | string, minLength: number][] = [
		['raw', bytes, leak],
		['backwards', Buffer.from(bytes).reverse(), leak],
		['UTF-16 little endian', Buffer.from(bytes.toString('latin1'), 'utf16le'), 2 * leak],
		['UTF-16 big endian', Buffer.from(bytes.toString('latin1'), 'utf16le').swap16(), 2 * leak],
	];
	for (const [direction, hex] of [
		['', bytes.toString('hex')],
		[' backwards', Buffer.from(bytes).reverse().toString('hex')],
	] as const) {
		forms.push([`hex${direction}`, hex, 2 * leak], [`HEX${direction}`, hex.toUpperCase(), 2 * leak]);
		forms.push([`hex with colons${direction}`, pairs(hex).join(':'), 3 * leak - 1]);
		forms.push([`HEX with colons${direction}`, pairs(hex.toUpperCase()).join(':'), 3 * leak - 1]);
	}
	for (const shift of [0, 1, 2]) {
		const piece = base64At(bytes, shift);
		// An unaligned piece of n bytes fills at least this many characters by itself.
		const minLength = isWhole ? piece.length : Math.floor((8 * leak - 5) / 6);
		forms.push([`base64 at ${shift}`, piece, minLength]);
		forms.push([`base64url at ${shift}`, piece.replaceAll('+', '-').replaceAll('/', '_'), minLength]);
	}
	const escaped = pairs(bytes.toString('hex'));
	forms.push(['percent', escaped.map((pair) => `%${pair}`).join(''), 3 * leak]);
	forms.push(['PERCENT', escaped.map((pair) => `%${pair.toUpperCase()}`).join(''), 3 * leak]);
	forms.push(['JSON escapes', escaped.map((pair) => `\\u00${pair}`).join(''), 6 * leak]);
	forms.push(['octal escapes', [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join(''), 4 * leak]);
	for (const [order, hex] of [
		['', bytes.toString('hex')],
		[' backwards', Buffer.from(bytes).reverse().toString('hex')],
	] as const) {
		const decimal = BigInt(`0x${hex}`).toString();
		forms.push([`decimal number${order}`, decimal, decimal.length]);
	}
	if (isText(bytes)) forms.push(...textForms(bytes.toString('utf8')));
	const seen = new Set<string>();
	return forms.flatMap(([encoding, text, minLength]) => {
		const form = Buffer.from(text as string);
		const key = form.toString('latin1');
		if (seen.has(key) || form.length < MIN_FORM_LENGTH) return [];
		seen.add(key);
		return [{ secret: name, encoding, text: form, minLength: Math.min(minLength, form.length) }];
	});
}

/** The forms of programs that escape special characters. */
function textForms(text: string): [string, string, number][] {
	const forms: [string, string][] = [
		['JSON', JSON.stringify(text).slice(1, -1)],
		['JSON in JSON', JSON.stringify(JSON.stringify(text)).slice(3, -3)],
		['URL', encodeURIComponent(text)],
		['form', new URLSearchParams({ a: text }).toString().slice(2)],
		['HTML', text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)],
		['SQL', text.replaceAll("'", "''")],
	];
	return forms.map(([encoding, form]) => [encoding, form, form.length]);
}

/** The characters of a base64 text that depend only on these bytes, when `shift` bytes are before them. */
function base64At(bytes: Buffer, shift: number): string {
	const text = Buffer.concat([Buffer.alloc(shift), bytes])
		.toString('base64')
		.replaceAll('=', '');
	return text.slice(Math.ceil((8 * shift) / 6), Math.floor((8 * (shift + bytes.length)) / 6));
}

function pairs(hex: string): string[] {
	return hex.match(/../g) ?? [];
}

function isText(bytes: Buffer): boolean {
	const text = bytes.toString('utf8');
	return !/[^\P{Cc}\n\t]|\ufffd/u.test(text);
}
