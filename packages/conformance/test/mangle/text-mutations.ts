/** Changes of text and JSON, and of what lies in base64 inside of them, whatever that is in turn. */
import { utf8 } from '@chancery/core/bytes';
import type { SeededRandom } from '@chancery/testkit/seeded-random';
import { BYTE_MUTATIONS, type Corpus, MAX_INPUT_BYTES } from './byte-mutations.ts';
import { isDer, mutateDer } from './der-mutations.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const strictDecoder = new TextDecoder('utf-8', { fatal: true });

/** What readers of text stumble over. U+F8FF becomes half of a surrogate pair in parsers that take strings. */
const ODD_TEXTS: readonly string[] =
	'\u0000|\ufeff|\uf8ff|\u2028|\u2029|\u00a0|\u200b|\r|\r\n|\n|\n\n|\t| |"|\\|\\u0000|\\ud800|=|==|-|_|+|/|.|..|%00|e\u0301|İ|\ud83d\ude00|—|:|{|}|[|]|,|null|__proto__|constructor'.split(
		'|',
	);
const ODD_NUMBERS: readonly string[] =
	'0|-0|-1|00|01|1.0|1e3|1e999|-1e999|0x10|255|256|257|65535|65536|2147483647|2147483648|4294967296|9007199254740991|9007199254740992|9007199254740993|9223372036854775807|9223372036854775808|18446744073709551616|٣|NaN|Infinity|99999999999999999999999999999999'.split(
		'|',
	);
/** Sequences that UTF-8 does not have, or that decoders used to take for others. */
const BAD_UTF8: readonly (readonly number[])[] = [
	[0xc0, 0x80],
	[0xc0, 0xaf],
	[0xe0, 0x80, 0x80],
	[0xed, 0xa0, 0x80],
	[0xed, 0xb0, 0x80],
	[0xf4, 0x90, 0x80, 0x80],
	[0xf8, 0x88, 0x80, 0x80, 0x80],
	[0x80],
	[0xe2, 0x82],
	[0xff],
	[0xfe, 0xff],
];
const BASE64_RUN = /(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/_-]{8,}={0,2}/g;
const NUMBER_RUN = /-?\d+/g;

/** Any change that fits what the input looks like. */
export function mutate(bytes: Uint8Array, random: SeededRandom, corpus: Corpus, depth = 0): Uint8Array {
	const [first] = bytes;
	if (random.chance(30) || depth > 4) return random.pick(BYTE_MUTATIONS)(bytes, random, corpus);
	if ((first === 0x7b || first === 0x5b) && random.chance(70)) return mutateJson(bytes, random, corpus, depth);
	if (first !== undefined && (first === 0x30 || first >= 0xa0 || first < 0x20) && isDer(bytes))
		return mutateDer(bytes, random, corpus);
	// A hash or a signature that is mangled as text would lose every byte that is none.
	const isText = random.chance(80) && isUtf8(bytes);
	return isText ? mutateText(bytes, random, corpus, depth) : random.pick(BYTE_MUTATIONS)(bytes, random, corpus);
}

function mutateText(bytes: Uint8Array, random: SeededRandom, corpus: Corpus, depth: number): Uint8Array {
	const at = random.below(bytes.length + 1);
	if (random.chance(8)) return spliceAt(bytes, at, at, Uint8Array.from(random.pick(BAD_UTF8)));
	const text = decoder.decode(bytes);
	switch (random.below(6)) {
		case 0: {
			const run = pickMatch(text, NUMBER_RUN, random);
			return run ? replaced(text, run, random.pick(ODD_NUMBERS)) : bytes;
		}
		case 1: {
			const lines = text.split('\n');
			const from = random.below(lines.length);
			const [line = ''] = random.chance(50) ? lines.splice(from, 1) : [lines[from]];
			if (random.chance(60)) lines.splice(random.below(lines.length + 1), 0, line);
			return utf8(lines.join('\n').toWellFormed());
		}
		case 2: {
			const i = random.below(text.length + 1);
			return utf8((text.slice(0, i) + random.pick(ODD_TEXTS) + text.slice(i + random.below(3))).toWellFormed());
		}
		default: {
			const run = pickRun(text, random);
			return run ? replaced(text, run, mutateBase64(run[0], random, corpus, depth)) : bytes;
		}
	}
}

/** What is behind the base64 is changed; sometimes the spelling is. */
function mutateBase64(text: string, random: SeededRandom, corpus: Corpus, depth: number): string {
	const isPem = text.includes('\n');
	const isUrl = !isPem && (/[-_]/.test(text) || (text.length % 4 !== 0 && !text.includes('=')));
	const content = Buffer.from(text, 'base64');
	if (random.chance(10)) {
		const odd = random.pick(['=', ' ', '\n', '-', '_', 'A', 'AA==', '*']);
		const i = random.below(text.length + 1);
		return text.slice(0, i) + odd + text.slice(i + random.below(2));
	}
	const changed = Buffer.from(mutate(new Uint8Array(content), random, corpus, depth + 1));
	if (isUrl) return changed.toString('base64url');
	const base64 = changed.toString('base64');
	return isPem ? base64.replace(/.{64}(?=.)/g, '$&\n') : base64;
}

function mutateJson(bytes: Uint8Array, random: SeededRandom, corpus: Corpus, depth: number): Uint8Array {
	let root: unknown;
	try {
		root = JSON.parse(strictDecoder.decode(bytes));
	} catch {
		return mutateText(bytes, random, corpus, depth);
	}
	const places: { holder: Record<string, unknown>; name: string }[] = [];
	const collect = (value: unknown, levels: number): void => {
		if (typeof value !== 'object' || value === null || levels > 60) return;
		for (const name of Object.keys(value)) {
			places.push({ holder: value as Record<string, unknown>, name });
			collect((value as Record<string, unknown>)[name], levels + 1);
		}
	};
	collect(root, 0);
	if (places.length === 0) return utf8(JSON.stringify(oddValue(undefined, random)));
	const { holder, name } = random.pick(places);
	const value = holder[name];
	switch (random.below(8)) {
		case 0:
			if (Array.isArray(holder)) holder.splice(Number(name), 1);
			else delete holder[name];
			break;
		case 1:
			if (Array.isArray(holder)) for (let n = random.pick([1, 2, 40]); n > 0; n--) holder.push(value);
			else define(holder, random.pick(['extra', '__proto__', 'constructor', snakeCase(name)]), value);
			break;
		case 2: {
			const other = random.pick(places);
			define(holder, name, copyOf(other.holder[other.name]));
			break;
		}
		case 3:
			define(holder, name, oddValue(value, random));
			break;
		default:
			define(holder, name, changedScalar(value, random, corpus, depth));
	}
	return utf8(writtenJson(root).slice(0, MAX_INPUT_BYTES).toWellFormed());
}

/** The platform's writer recurses: what several changes have nested too deep for it becomes a bomb of text. */
function writtenJson(value: unknown): string {
	try {
		return JSON.stringify(value);
	} catch (error) {
		if (error instanceof RangeError) return '['.repeat(MAX_INPUT_BYTES);
		throw error;
	}
}

function copyOf(value: unknown): unknown {
	return JSON.parse(writtenJson([value, 0]).replace(/^\[+$/, '[[]]'))[0];
}

function changedScalar(value: unknown, random: SeededRandom, corpus: Corpus, depth: number): unknown {
	if (typeof value === 'string') {
		const isBase64 = value.length >= 8 && value.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value);
		if (isBase64 && random.chance(80)) return mutateBase64(value, random, corpus, depth);
		return decoder.decode(mutate(utf8(value.toWellFormed()), random, corpus, depth + 1));
	}
	if (typeof value === 'number')
		return random.pick([value + 1, value - 1, -value, value / 2, String(value), 2 ** 53, 1e300]);
	return oddValue(value, random);
}

function oddValue(value: unknown, random: SeededRandom): unknown {
	switch (random.below(12)) {
		case 0:
			return null;
		case 1:
			return [];
		case 2:
			return {};
		case 3:
			return [value];
		case 4:
			return Number(random.pick(['0', '-1', '1.5', '9007199254740993', '1e300', '4294967296']));
		case 5:
			return random.pick(ODD_NUMBERS);
		case 6:
			return random.pick(ODD_TEXTS);
		case 7:
			return '';
		case 8:
			return random.pick([true, false]);
		case 9:
			return 'A'.repeat(random.pick([63, 64, 65, 1024, 20_000]));
		case 10:
			return nested(random.pick([30, 31, 32, 33, 63, 64, 65, 300, 5000]));
		default:
			return Array.from({ length: random.pick([2, 16, 17, 33, 300]) }, () => value ?? 0);
	}
}

function nested(levels: number): unknown {
	let value: unknown = 0;
	for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
	return value;
}

function snakeCase(name: string): string {
	return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Own members only, so that `__proto__` is one. */
function define(holder: object, name: string, value: unknown): void {
	Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

function isUtf8(bytes: Uint8Array): boolean {
	try {
		strictDecoder.decode(bytes);
		return true;
	} catch {
		return false;
	}
}

/** The longest half of the time: what is worth changing is longer than the words around it. */
function pickRun(text: string, random: SeededRandom): RegExpMatchArray | undefined {
	if (random.chance(50)) return pickMatch(text, BASE64_RUN, random);
	return [...text.matchAll(BASE64_RUN)].sort((a, b) => b[0].length - a[0].length)[0];
}

function pickMatch(text: string, pattern: RegExp, random: SeededRandom): RegExpMatchArray | undefined {
	const matches = [...text.matchAll(pattern)];
	return matches.length === 0 ? undefined : random.pick(matches);
}

function replaced(text: string, match: RegExpMatchArray, by: string): Uint8Array {
	const start = match.index ?? 0;
	return utf8(
		(text.slice(0, start) + by + text.slice(start + match[0].length)).slice(0, MAX_INPUT_BYTES).toWellFormed(),
	);
}

function spliceAt(bytes: Uint8Array, start: number, end: number, middle: Uint8Array): Uint8Array {
	const joined = new Uint8Array(bytes.length - (end - start) + middle.length);
	joined.set(bytes.subarray(0, start));
	joined.set(middle, start);
	joined.set(bytes.subarray(end), start + middle.length);
	return joined;
}
