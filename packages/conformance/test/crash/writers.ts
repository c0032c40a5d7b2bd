/**
 * Clients that never give up on an entry: each writes one after the other, and repeats one until it is acknowledged,
 * through refused connections, cut answers and 503. Every acknowledgement is verified and remembered.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { type Reader, readAcknowledgement } from './answers.ts';
import type { HttpClient, Reply } from './http-client.ts';
import type { Authority } from './precertificates.ts';
import { createProposer, type LogName, type Proposal, type Wire } from './proposals.ts';
import { Violation } from './signed-trees.ts';

export interface WriterCounts {
	/** Answers that verified, repeats included. */
	acknowledged: number;
	/** Attempts that ended without an answer: refused, reset, cut off, timed out. */
	lost: number;
	/** 429 and 503. */
	turnedAway: number;
	readonly byWire: Record<Wire, number>;
}

export interface Writers {
	readonly counts: WriterCounts;
	/** What no server may do: the first of these ends all writing, and with it the campaign. */
	readonly violations: string[];
	/** Settles at the first violation. */
	readonly violated: Promise<void>;
	/** Nobody begins another entry until `goOn`; what was begun is brought to its end. */
	hold(): void;
	goOn(): void;
	/** Resolves when every writer has its last entry acknowledged. */
	stop(): Promise<void>;
	/** Ends also those whose entries nobody acknowledges any more. */
	abandon(): void;
}

export interface WriterOptions {
	readonly urls: Readonly<Record<LogName, string>>;
	readonly client: HttpClient;
	readonly reader: Reader;
	readonly authority: Authority;
	readonly seed: string;
	readonly count: number;
}

/** Of 16 writers: as many on each wire. */
const MIX: readonly Wire[] = [
	...Array<Wire>(5).fill('hashedrekord-v1'),
	...Array<Wire>(4).fill('dsse-v1'),
	...Array<Wire>(5).fill('hashedrekord-v2'),
	...Array<Wire>(2).fill('precertificate'),
];

/** Entries that everybody writes now and then, per wire, and how often. */
const HOT = 8;
const HOT_PERCENT = 6;
const REPEAT_PERCENT = 4;
/** A campaign cannot wait for the seconds of Retry-After, thousands of times; it must be there, and is cut to this. */
const PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

export function startWriters(options: WriterOptions): Writers {
	const { urls, client, reader, authority, seed, count } = options;
	const counts: WriterCounts = {
		acknowledged: 0,
		lost: 0,
		turnedAway: 0,
		byWire: { 'hashedrekord-v1': 0, 'dsse-v1': 0, 'hashedrekord-v2': 0, precertificate: 0 },
	};
	const violations: string[] = [];
	const violated = Promise.withResolvers<void>();
	const abandoned = new AbortController();
	let stopping = false;
	let gate = Promise.withResolvers<void>();
	gate.resolve();

	const hotProposer = createProposer(`${seed} hot`, authority);
	const hot = Object.fromEntries(
		[...new Set(MIX)].map((wire) => [wire, Array.from({ length: HOT }, () => hotProposer(wire))]),
	) as Record<Wire, Proposal[]>;

	async function write(proposal: Proposal, random: SeededRandom): Promise<void> {
		for (let tries = 0; !abandoned.signal.aborted; tries++) {
			const sentAtMs = performance.now();
			let reply: Reply | undefined;
			try {
				reply = await client.ask(`${urls[proposal.log]}${proposal.path}`, { body: proposal.body });
			} catch {
				// No answer says nothing about the entry: asking again is what it is all about.
				counts.lost += 1;
			}
			if (reply?.status === 201 || reply?.status === 200) {
				readAcknowledgement(reader, proposal, reply, sentAtMs);
				counts.acknowledged += 1;
				counts.byWire[proposal.wire] += 1;
				return;
			}
			if (reply !== undefined) {
				if (reply.status !== 429 && reply.status !== 503)
					throw new Violation(`${proposal.wire}: status ${reply.status}: ${reply.body.toString().slice(0, 500)}`);
				if (reply.headers['retry-after'] === undefined)
					throw new Violation(`${proposal.wire}: ${reply.status} without Retry-After: ${reply.body}`);
				counts.turnedAway += 1;
			}
			await sleep(Math.min(LONGEST_PAUSE_MS, PAUSE_MS * (tries + 1)) * (0.5 + random.below(1000) / 1000));
		}
	}

	async function run(number: number): Promise<void> {
		const wire = MIX[number % MIX.length] as Wire;
		const random = new SeededRandom(`${seed} writer ${number}`);
		const propose = createProposer(`${seed} ${number}`, authority);
		let last: Proposal | undefined;
		while (!stopping && violations.length === 0) {
			await gate.promise;
			const repeated = random.chance(REPEAT_PERCENT) ? last : undefined;
			const proposal: Proposal = random.chance(HOT_PERCENT) ? random.pick(hot[wire]) : (repeated ?? propose(wire));
			try {
				await write(proposal, random);
			} catch (error) {
				violations.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
				violated.resolve();
			}
			last = proposal;
		}
	}

	const running = Promise.all(Array.from({ length: count }, (_, number) => run(number)));
	return {
		counts,
		violations,
		violated: violated.promise,
		hold: () => {
			gate = Promise.withResolvers<void>();
		},
		goOn: () => gate.resolve(),
		stop: async () => {
			stopping = true;
			gate.resolve();
			await running;
		},
		abandon: () => abandoned.abort(),
	};
}
