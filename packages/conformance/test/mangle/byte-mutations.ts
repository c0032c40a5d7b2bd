/** Changes that know nothing of the format: bits, slices, lengths, numbers at their bounds. */
import { concatBytes } from '@chancery/core/bytes';
import type { SeededRandom } from '@chancery/testkit/seeded-random';

/** No honest input of the parsers is longer; most refuse long before. */
export const MAX_INPUT_BYTES = 64 * 1024;

/** Others from which slices are taken: the seeds, and inputs that were read in a way no other was. */
export type Corpus = readonly Uint8Array[];

export type Mutation = (bytes: Uint8Array, random: SeededRandom, corpus: Corpus) => Uint8Array;

/** Big-endian numbers at which signs, widths and safe integers end. */
const BOUNDARIES: readonly bigint[] = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x100n, 0x7fffn, 0x8000n, 0xffffn, 0x10000n].concat(
	[31n, 32n, 53n, 63n, 64n].flatMap((bits) => [(1n << bits) - 1n, 1n << bits]),
);

export const BYTE_MUTATIONS: readonly Mutation[] = [
	flipBit,
	setByte,
	insertBytes,
	removeSlice,
	truncate,
	repeatSlice,
	swapSlices,
	writeBoundary,
	writeHugeLength,
	splice,
	appendBytes,
	randomBytes,
];

/** Two ends of a slice, short ones more often than long ones. */
function sliceOf(bytes: Uint8Array, random: SeededRandom): [start: number, end: number] {
	const start = random.below(bytes.length + 1);
	const length = random.chance(70) ? random.below(16) : random.below(bytes.length + 1);
	return [start, Math.min(bytes.length, start + length)];
}

function flipBit(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	const changed = bytes.slice();
	if (changed.length > 0) changed[random.below(changed.length)]! ^= 1 << random.below(8);
	return changed;
}

function setByte(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	const changed = bytes.slice();
	const value = random.chance(50) ? random.pick([0x00, 0x7f, 0x80, 0xff, 0x0a, 0x20, 0x22, 0x2d]) : random.below(256);
	if (changed.length > 0) changed[random.below(changed.length)] = value;
	return changed;
}

function insertBytes(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	const at = random.below(bytes.length + 1);
	return concatBytes(bytes.subarray(0, at), random.bytes(1 + random.below(8)), bytes.subarray(at));
}

function removeSlice(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	const [start, end] = sliceOf(bytes, random);
	return concatBytes(bytes.subarray(0, start), bytes.subarray(end));
}

function truncate(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	return bytes.slice(0, random.below(bytes.length + 1));
}

function repeatSlice(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	const [start, end] = sliceOf(bytes, random);
	const times = random.chance(90) ? 1 : 1 + random.below(300);
	const slice = bytes.subarray(start, end);
	return concatBytes(bytes.subarray(0, end), ...Array<Uint8Array>(times).fill(slice), bytes.subarray(end)).slice(
		0,
		MAX_INPUT_BYTES,
	);
}

function swapSlices(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	const [a, b, c, d] = [0, 0, 0, 0].map(() => random.below(bytes.length + 1)).sort((x, y) => x - y) as [
		number,
		number,
		number,
		number,
	];
	const part = (from: number, to: number) => bytes.subarray(from, to);
	return concatBytes(part(0, a), part(c, d), part(b, c), part(a, b), part(d, bytes.length));
}

function writeBoundary(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	const width = random.pick([1, 2, 3, 4, 8]);
	const changed = bytes.slice();
	if (changed.length < width) return changed;
	const at = random.below(changed.length - width + 1);
	let rest = BigInt.asUintN(8 * width, random.pick(BOUNDARIES) - BigInt(random.below(2)));
	for (let i = width - 1; i >= 0; i--, rest >>= 8n) changed[at + i] = Number(rest & 0xffn);
	return changed;
}

/** What follows is declared to be longer than any memory. */
function writeHugeLength(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	const huge = random.pick([
		[0x84, 0xff, 0xff, 0xff, 0xff],
		[0x84, 0x7f, 0xff, 0xff, 0xff],
		[0x88, 0xff],
		[0xff, 0xff, 0xff],
	]);
	const at = random.below(bytes.length + 1);
	return concatBytes(bytes.subarray(0, at), Uint8Array.from(huge), bytes.subarray(at + random.below(6)));
}

/** The beginning of one input and the end of another. */
function splice(bytes: Uint8Array, random: SeededRandom, corpus: Corpus): Uint8Array {
	const other = random.pick(corpus);
	const [start, end] = sliceOf(other, random);
	const [from, to] = sliceOf(bytes, random);
	const middle = other.subarray(start, end);
	if (random.chance(30)) return concatBytes(bytes.subarray(0, from), other.subarray(start));
	return concatBytes(bytes.subarray(0, from), middle, bytes.subarray(random.chance(50) ? from : to));
}

function appendBytes(bytes: Uint8Array, random: SeededRandom): Uint8Array {
	return concatBytes(bytes, random.chance(50) ? random.bytes(1 + random.below(4)) : bytes);
}

function randomBytes(_bytes: Uint8Array, random: SeededRandom): Uint8Array {
	return random.bytes(random.chance(95) ? random.below(64) : random.below(4096));
}
