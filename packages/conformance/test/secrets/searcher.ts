/**
 * Searches for many secrets in all their forms at once, in one pass over the bytes. Any piece of a form that has at least
 * the form's minimum length is found: seeds of eight bytes are taken from the form so closely that each such piece
 * contains one.
 */
import { type Form, formsOf, MIN_FORM_LENGTH, type Secret } from './encodings.ts';
import { hiddenViews, type View } from './views.ts';

export interface Finding {
	readonly secret: string;
	/** How it was written, innermost last: `base64 > hex`. */
	readonly encoding: string;
	readonly offset: number;
	/** The text around it, to find the place: printable, and without the secret. */
	readonly around: string;
}

const SEED_BYTES = 8;
const FILTER_BITS = 22;
const AROUND_CHARS = 60;

interface Seed {
	readonly form: Form;
	readonly at: number;
}

export class Searcher {
	readonly #seeds = new Map<string, Seed[]>();
	/** A bit for the first four bytes of each seed: one look excludes nearly every position. */
	readonly #filter = new Uint8Array(1 << (FILTER_BITS - 3));

	constructor(secrets: readonly Secret[]) {
		for (const form of secrets.flatMap(formsOf)) this.#plant(form);
	}

	/** Returns everything found in `bytes`, without decoding them. */
	search(bytes: Buffer): Finding[] {
		const found = new Map<string, Finding>();
		const last = bytes.length - SEED_BYTES;
		for (let i = 0; i <= last; i++) {
			const slot = slotOf(bytes, i);
			if (((this.#filter[slot >>> 3] as number) & (1 << (slot & 7))) === 0) continue;
			const seeds = this.#seeds.get(bytes.toString('latin1', i, i + SEED_BYTES));
			if (seeds === undefined) continue;
			for (const { form, at } of seeds) {
				const { start, length } = extend(bytes, i, form.text, at);
				if (length < form.minLength) continue;
				const key = `${form.secret}\n${form.encoding}\n${start}`;
				found.set(key, {
					secret: form.secret,
					encoding: form.encoding,
					offset: start,
					around: around(bytes, start, length),
				});
			}
		}
		return [...found.values()];
	}

	/** As `search`, also inside of encodings: base64, hex, percent-escapes, lists of numbers, gzip; two levels deep. */
	searchDeeply(bytes: Buffer, depth = 2): Finding[] {
		const found = this.search(bytes);
		if (depth === 0) return found;
		for (const view of hiddenViews(bytes)) found.push(...this.#searchView(view, depth - 1));
		return found;
	}

	#searchView({ encoding, offset, bytes }: View, depth: number): Finding[] {
		return this.searchDeeply(bytes, depth).map((finding) => ({
			...finding,
			encoding: `${encoding} > ${finding.encoding}`,
			offset,
		}));
	}

	#plant(form: Form): void {
		if (form.minLength < MIN_FORM_LENGTH) throw new TypeError(`${form.secret} as ${form.encoding} is too short`);
		const step = form.minLength - SEED_BYTES + 1;
		const last = form.text.length - SEED_BYTES;
		for (let at = 0; ; at = Math.min(at + step, last)) {
			const key = form.text.toString('latin1', at, at + SEED_BYTES);
			const seeds = this.#seeds.get(key) ?? [];
			seeds.push({ form, at });
			this.#seeds.set(key, seeds);
			const slot = slotOf(form.text, at);
			this.#filter[slot >>> 3] = (this.#filter[slot >>> 3] as number) | (1 << (slot & 7));
			if (at === last) return;
		}
	}
}

function slotOf(bytes: Buffer, at: number): number {
	const word =
		(bytes[at] as number) |
		((bytes[at + 1] as number) << 8) |
		((bytes[at + 2] as number) << 16) |
		((bytes[at + 3] as number) << 24);
	return Math.imul(word, 0x9e3779b1) >>> (32 - FILTER_BITS);
}

/** The longest common piece of `bytes` and `text` around a place where eight bytes are equal. */
function extend(bytes: Buffer, at: number, text: Buffer, textAt: number): { start: number; length: number } {
	let before = 0;
	while (at - before > 0 && textAt - before > 0 && bytes[at - before - 1] === text[textAt - before - 1]) before++;
	let after = SEED_BYTES;
	while (textAt + after < text.length && at + after < bytes.length && bytes[at + after] === text[textAt + after])
		after++;
	return { start: at - before, length: before + after };
}

function around(bytes: Buffer, start: number, length: number): string {
	const show = (from: number, to: number) =>
		bytes.toString('latin1', Math.max(0, from), Math.min(to, bytes.length)).replace(/[^\x20-\x7e]+/g, '?');
	const end = start + length;
	return `${show(start - AROUND_CHARS, start)}<HERE>${show(end, end + AROUND_CHARS)}`;
}
