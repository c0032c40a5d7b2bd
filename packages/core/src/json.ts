/**
 * JSON from outside (RFC 8259), with a bound on nesting and one typed error, and a bound on its values that is known
 * before they are made.
 */
import { fromUtf8 } from './bytes.ts';
import { FormatError } from './format-error.ts';

/**
 * Parses JSON text or its UTF-8 bytes. A member named `__proto__` becomes an ordinary own member, never a prototype; of
 * members with one name the last wins, as in most readers. Throws FormatError when the text is not JSON or nests
 * deeper than `maxDepth` (default 64): recursive readers behind this one then need no bound of their own.
 */
export function parseJson(input: string | Uint8Array, { maxDepth = 64 }: { maxDepth?: number } = {}): unknown {
	const text = typeof input === 'string' ? input : fromUtf8(input);
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (cause) {
		// The engine's message quotes the input, which may hold a token: it stays in the cause.
		throw new FormatError('JSON', 'not valid', { cause });
	}
	if (isDeeper(value, maxDepth)) throw new FormatError('JSON', `nested deeper than ${maxDepth} levels`);
	return value;
}

/**
 * The same for text that several programs read and must read alike: a bundle, a trusted root, a signing configuration,
 * a signed statement. An object with one name twice is refused, as ProtoJSON readers do (RFC 8259, section 4: what they
 * make of it is unpredictable), however the name is escaped.
 */
export function parseUniqueJson(input: string | Uint8Array): unknown {
	const text = typeof input === 'string' ? input : fromUtf8(input);
	const value = parseJson(text);
	checkUniqueNames(text);
	return value;
}

/** @param text what `JSON.parse` has accepted, so that only strings and brackets need telling apart */
function checkUniqueNames(text: string): void {
	/** The names so far of each object that is open; undefined for an array. */
	const open: (Set<string> | undefined)[] = [];
	let isName = false;
	for (let at = 0; at < text.length; at++) {
		switch (text[at]) {
			case '{':
				open.push(new Set());
				isName = true;
				break;
			case '[':
				open.push(undefined);
				isName = false;
				break;
			case '}':
			case ']':
				open.pop();
				break;
			case ',':
				isName = open.at(-1) !== undefined;
				break;
			case '"': {
				const start = at;
				at = endOfString(text, start);
				if (isName) addName(open.at(-1), text.slice(start, at + 1));
				isName = false;
			}
		}
	}
}

function addName(names: Set<string> | undefined, quoted: string): void {
	const name = JSON.parse(quoted) as string;
	if (names?.has(name))
		throw new FormatError('JSON', `the member ${JSON.stringify(name.slice(0, 40))} stands twice in one object`);
	names?.add(name);
}

/** Where the string that begins at `start` has its closing quotation mark. */
function endOfString(text: string, start: number): number {
	let at = start + 1;
	while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
	return at;
}

/** Whether containers nest beyond `levels`; goes no deeper than that itself. */
function isDeeper(value: unknown, levels: number): boolean {
	if (typeof value !== 'object' || value === null) return false;
	if (levels === 0) return true;
	for (const member of Object.values(value)) if (isDeeper(member, levels - 1)) return true;
	return false;
}

/** Each begins a container or a value, so that no more values come out of a text than it has of these, and one. */
const STRUCTURE = ['{', '[', ',', ':'] as const;
const STRUCTURE_BYTES = STRUCTURE.map((character) => character.charCodeAt(0));

/**
 * Whether JSON text has more than `most` braces, brackets, commas and colons. Making a value costs up to a microsecond and
 * a hundred bytes, so that a megabyte of `{},` costs what a hundred megabytes of text do: this is asked before. What stands
 * within strings counts too.
 */
export function hasMoreStructure(json: string | Uint8Array, most: number): boolean {
	if (json.length <= most) return false;
	let found = 0;
	for (const next of typeof json === 'string' ? placesInText(json) : placesInBytes(json)) {
		for (let at = next(0); at !== -1; at = next(at + 1)) if (++found > most) return true;
	}
	return false;
}

// The engine's search passes over a megabyte of base64 in a moment; a loop over it would cost more than parsing it.

function placesInText(text: string): ((from: number) => number)[] {
	return STRUCTURE.map((character) => (from) => text.indexOf(character, from));
}

function placesInBytes(bytes: Uint8Array): ((from: number) => number)[] {
	return STRUCTURE_BYTES.map((byte) => (from) => bytes.indexOf(byte, from));
}
