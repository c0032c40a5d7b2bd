/** Changes that keep DER in shape around the change, so that it reaches what lies deep inside. */
import { concatBytes } from '@chancery/core/bytes';
import { derRaw } from '@chancery/core/der';
import type { SeededRandom } from '@chancery/testkit/seeded-random';
import { BYTE_MUTATIONS, type Corpus } from './byte-mutations.ts';

interface Element {
	readonly tag: number;
	/** Children of a constructed element, or of a primitive one whose content is DER again (extensions, CMS content). */
	readonly children: Element[] | undefined;
	readonly content: Uint8Array;
	/** Bytes before the children: the count of unused bits of a BIT STRING. */
	readonly prefix: Uint8Array;
	/** Written instead of everything else. */
	readonly raw?: Uint8Array;
}

const MAX_ELEMENTS = 2000;
const NONE = new Uint8Array(0);

/** Whether it looks enough like DER for these mutations. */
export function isDer(bytes: Uint8Array): boolean {
	return readElements(bytes, { left: MAX_ELEMENTS }, 0) !== undefined;
}

export function mutateDer(bytes: Uint8Array, random: SeededRandom, corpus: Corpus): Uint8Array {
	const elements = readElements(bytes, { left: MAX_ELEMENTS }, 0);
	if (!elements) return random.pick(BYTE_MUTATIONS)(bytes, random, corpus);
	const lists = [elements, ...listsIn(elements)];
	const list = random.pick(lists);
	const at = random.below(list.length);
	const element = list[at];
	if (!element) return bytes;
	switch (random.below(10)) {
		case 0:
			list.splice(at, 1);
			break;
		case 1:
			list.splice(at, 0, element);
			break;
		case 2:
			list.splice(at, 1, ...(list.splice(random.below(list.length), 1) as Element[]), element);
			break;
		case 3:
			list[at] = { ...element, tag: random.chance(50) ? element.tag ^ (1 << random.below(8)) : random.below(256) };
			break;
		case 4:
			list[at] = { ...element, raw: withOddLength(written(element), random) };
			break;
		case 5:
			list[at] = { ...element, raw: bomb(written(element), random) };
			break;
		case 6: {
			// An element of another input, or from elsewhere in this one.
			const donor = readElements(random.pick(corpus), { left: MAX_ELEMENTS }, 0) ?? elements;
			const other = random.pick([donor, ...listsIn(donor)]);
			const graft = other[random.below(other.length)];
			if (graft) list[at] = { ...graft, raw: written(graft) };
			break;
		}
		default:
			list[at] = leafWith(element, random.pick(BYTE_MUTATIONS)(contentOf(element), random, corpus));
	}
	return concatBytes(...elements.map(written));
}

function leafWith({ tag }: Element, content: Uint8Array): Element {
	return { tag, children: undefined, content, prefix: NONE };
}

/** Indefinite, padded, too long, too short, enormous. */
function withOddLength(element: Uint8Array, random: SeededRandom): Uint8Array {
	const [tag = 0, first = 0] = element;
	const header = first < 0x80 ? 2 : 2 + (first & 0x7f);
	const content = element.subarray(header);
	const spellings = [
		[0x80],
		[0x81, content.length & 0xff],
		[0x82, 0, content.length & 0xff],
		[0x84, 0, 0, content.length >> 8, content.length & 0xff],
		[0x84, 0xff, 0xff, 0xff, 0xff],
		[0x85, 1, 0, 0, 0, 0],
		[0xff],
		[(content.length + 1) & 0x7f],
		[Math.max(0, content.length - 1) & 0x7f],
		[...random.bytes(3)],
	];
	return concatBytes(Uint8Array.of(tag), Uint8Array.from(random.pick(spellings)), content);
}

/** The element inside of very many others. */
function bomb(element: Uint8Array, random: SeededRandom): Uint8Array {
	const tag = random.pick([0x30, 0x31, 0xa0, 0xa3, 0x04]);
	let bytes = element;
	for (let levels = random.pick([1, 2, 31, 32, 33, 40, 300]); levels > 0; levels--) bytes = derRaw(tag, bytes);
	return bytes;
}

function listsIn(elements: readonly Element[]): Element[][] {
	return elements.flatMap(({ children }) => (children ? [children, ...listsIn(children)] : []));
}

function contentOf(element: Element): Uint8Array {
	return element.children ? concatBytes(element.prefix, ...element.children.map(written)) : element.content;
}

function written(element: Element): Uint8Array {
	return element.raw ?? derRaw(element.tag, contentOf(element));
}

/** Lenient where leniency keeps more structure; undefined for what is no row of elements. */
function readElements(bytes: Uint8Array, budget: { left: number }, depth: number): Element[] | undefined {
	const elements: Element[] = [];
	let offset = 0;
	while (offset < bytes.length) {
		budget.left -= 1;
		if (budget.left < 0 || offset + 2 > bytes.length) return undefined;
		const tag = bytes[offset]!;
		let length = bytes[offset + 1]!;
		offset += 2;
		if (length >= 0x80) {
			const octets = length & 0x7f;
			if (octets < 1 || octets > 3 || offset + octets > bytes.length) return undefined;
			length = 0;
			for (let i = 0; i < octets; i++) length = length * 256 + bytes[offset + i]!;
			offset += octets;
		}
		if ((tag & 0x1f) === 0x1f || tag === 0 || offset + length > bytes.length) return undefined;
		const content = bytes.subarray(offset, offset + length);
		const prefix = tag === 0x03 ? content.subarray(0, 1) : NONE;
		const mayNest = (tag & 0x20) !== 0 || ((tag === 0x03 || tag === 0x04) && length > 4);
		const children =
			mayNest && depth < 30 ? readElements(content.subarray(prefix.length), budget, depth + 1) : undefined;
		elements.push({ tag, children: children?.length ? children : undefined, content, prefix });
		offset += length;
	}
	return elements;
}
