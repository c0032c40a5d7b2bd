/**
 * The campaign against one parser. Case n of a seed is the same in every run: it depends on the seed, the name of the
 * parser and the cases before it, and on nothing else.
 *
 * Guided by outcomes: an input that is refused, or accepted, in words not heard before joins those that are mangled
 * next. The one kept fuzzer that is guided by coverage, jazzer.js 4.0.0, does not run here: its addon needs glibc 2.38,
 * and its loader passes over modules whose types Node strips.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { toBase64 } from '@chancery/core/bytes';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { MAX_INPUT_BYTES } from './byte-mutations.ts';
import type { ParserUnderTest } from './parser-under-test.ts';
import { mutate } from './text-mutations.ts';
import type { Watchdog } from './watchdog.ts';

/** The bound of a case. A machine under load is not held against a parser: the fastest of three repeats counts. */
const MAX_CASE_MS = 1000;
const REPEATS = 3;

/** What may be left on the heap when everything of the campaign is let go: caches of the platform, compiled code. */
const MAX_HEAP_GROWTH_BYTES = 24 * 1024 * 1024;
/** How far the process may swell meanwhile: a declared length that is believed takes gigabytes. */
const MAX_RSS_GROWTH_KIB = 700 * 1024;

const MAX_CORPUS = 400;
const MAX_CORPUS_INPUT_BYTES = 8 * 1024;

export interface CampaignResult {
	readonly name: string;
	readonly cases: number;
	readonly refused: number;
	readonly accepted: number;
	/** Different things that were said about inputs. */
	readonly outcomes: number;
	readonly slowestMs: number;
	readonly heapGrowthBytes: number;
}

/** What a case came to: an outcome in words, and whether it is a fault. */
interface Outcome {
	readonly words: string;
	readonly isAccepted: boolean;
	readonly fault?: string;
}

export class MangleFault extends Error {
	override readonly name = 'MangleFault';
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Runs one input. A fault is an error of another type than the parser promises, or a complaint about a value. */
export async function judge(parser: ParserUnderTest, input: Uint8Array): Promise<Outcome> {
	try {
		const pending = parser.read(input);
		const complaint = pending instanceof Promise ? await pending : pending;
		return complaint === undefined
			? { words: 'accepted', isAccepted: true }
			: { words: complaint, isAccepted: true, fault: `accepted, but ${complaint}` };
	} catch (error) {
		const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
		if (parser.isRefusal(error)) return { words, isAccepted: false };
		const trace = error instanceof Error ? (error.stack ?? words) : words;
		return { words, isAccepted: false, fault: `threw another error than it promises: ${trace}` };
	}
}

/** @throws {MangleFault} at the first fault, with everything that repeats it */
export async function runCampaign(
	parser: ParserUnderTest,
	{ seed, cases, watchdog }: { seed: string; cases: number; watchdog: Watchdog },
): Promise<CampaignResult> {
	watchdog.begin(`${parser.name}, MANGLE_SEED=${seed}`);
	let corpus = [...parser.seeds];
	const heard = new Set<string>();
	let accepted = 0;
	let slowestMs = 0;
	// Compiled code and caches settle first.
	for (const valid of parser.seeds) await judge(parser, valid);
	const heapBefore = await heapBytes();
	const rssBefore = process.resourceUsage().maxRSS;

	for (let number = 0; number < cases; number++) {
		const input = inputOf(parser, seed, number, corpus);
		watchdog.next();
		const begun = performance.now();
		const outcome = await judge(parser, input);
		const tookMs = performance.now() - begun;
		if (tookMs > slowestMs) slowestMs = tookMs;
		if (outcome.isAccepted) accepted++;
		const fail = (what: string) => new MangleFault(describe(parser, seed, number, input, what));
		if (outcome.fault) throw fail(outcome.fault);
		if (tookMs > MAX_CASE_MS && (await fastestMs(parser, input)) > MAX_CASE_MS)
			throw fail(`took ${Math.round(tookMs)} ms`);
		const key = keyOf(outcome.words);
		if (!heard.has(key) && heard.size < MAX_CORPUS) {
			heard.add(key);
			if (input.length <= MAX_CORPUS_INPUT_BYTES) corpus.push(input);
		}
		if ((number & 0xff) === 0) {
			// Promises of our own keep the event loop busy: timers and sockets of a parser get their turn here.
			await new Promise((resolve) => setImmediate(resolve));
			if (process.resourceUsage().maxRSS - rssBefore > MAX_RSS_GROWTH_KIB)
				throw fail(`the process grew by more than ${MAX_RSS_GROWTH_KIB} KiB, here or shortly before`);
		}
	}
	watchdog.pause();
	corpus = [];
	const outcomes = heard.size;
	heard.clear();
	const heapGrowthBytes = (await heapBytes()) - heapBefore;
	if (heapGrowthBytes > MAX_HEAP_GROWTH_BYTES)
		throw new MangleFault(`${parser.name}: ${heapGrowthBytes} bytes stay on the heap after ${cases} cases of ${seed}`);
	return { name: parser.name, cases, refused: cases - accepted, accepted, outcomes, slowestMs, heapGrowthBytes };
}

function inputOf(parser: ParserUnderTest, seed: string, number: number, corpus: readonly Uint8Array[]): Uint8Array {
	const random = new SeededRandom(`${seed}/${parser.name}/${number}`);
	// What was refused soon outnumbers what is valid, and most of a parser lies behind the first refusal.
	let input = random.pick(random.chance(60) ? parser.seeds : corpus);
	for (let times = random.pick([1, 1, 1, 2, 3]); times > 0; times--) input = mutate(input, random, corpus);
	return input.length > MAX_INPUT_BYTES ? input.slice(0, MAX_INPUT_BYTES) : input;
}

async function fastestMs(parser: ParserUnderTest, input: Uint8Array): Promise<number> {
	let fastest = Number.POSITIVE_INFINITY;
	for (let i = 0; i < REPEATS; i++) {
		const begun = performance.now();
		await judge(parser, input);
		fastest = Math.min(fastest, performance.now() - begun);
	}
	return fastest;
}

/** The words without what differs from input to input. */
function keyOf(words: string): string {
	return words
		.slice(0, 160)
		.replaceAll(/'[^']*'|"[^"]*"/g, "'")
		.replaceAll(/[0-9a-fA-FxX]{6,}|\d+/g, '#')
		.slice(0, 90);
}

/** Twice, with a turn between: memory outside of the heap is let go after the first. */
async function heapBytes(): Promise<number> {
	collectGarbage();
	await new Promise((resolve) => setImmediate(resolve));
	collectGarbage();
	const { heapUsed, external } = process.memoryUsage();
	return heapUsed + external;
}

function describe(parser: ParserUnderTest, seed: string, number: number, input: Uint8Array, what: string): string {
	const found = { parser: parser.name, why: 'say what was wrong', base64: toBase64(input) };
	return [
		`${parser.name}, case ${number}: ${what}`,
		`  again: MANGLE_SEED=${seed} MANGLE_CASES=${number + 1} MANGLE_ONLY=${JSON.stringify(parser.name)} npm run test:mangle`,
		`  for found.json: ${JSON.stringify(found)}`,
	].join('\n');
}
