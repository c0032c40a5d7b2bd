/** Fills the logs of a running instance over its public wires, and keeps a sample of what was sent and answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createHttpClient } from '../crash/http-client.ts';
import type { Urls } from './program.ts';
import type { Kind, MakeSubmission, Submission } from './submissions.ts';

/** A submission and its first answer. */
export interface Sample {
	readonly submission: Submission;
	/** JSON text. */
	readonly answer: string;
}

/** Of a hundred entries. */
const SHARES: Readonly<Record<Kind, number>> = {
	'v1-hashedrekord': 30,
	'v1-dsse': 10,
	'v2-hashedrekord': 30,
	'v2-dsse': 10,
	precertificate: 15,
	certificate: 5,
};

export const KINDS = Object.keys(SHARES) as Kind[];

const SAMPLES_OF_EACH = 40;
/** Requests under way for every share of a hundred: about a hundred in all. */
const AT_ONCE_PER_SHARE = 1;
const ATTEMPTS = 20;
const PAUSE_MS = 200;

/**
 * Writes `count` entries, those of each kind spread evenly over the time.
 * @throws {Error} when one is refused, or turned away for as long as the attempts last
 */
export async function fill(urls: Urls, make: MakeSubmission, count: number): Promise<Sample[]> {
	const client = createHttpClient();
	const samples: Sample[] = [];
	const writeKind = async (kind: Kind): Promise<void> => {
		const total = Math.round((count * SHARES[kind]) / 100);
		const every = Math.max(1, Math.floor(total / SAMPLES_OF_EACH));
		let next = 0;
		const write = async () => {
			while (next < total) {
				const number = next++;
				const submission = make(kind, number);
				const answer = await submit(urls, submission, client);
				if (number % every === 0) samples.push({ submission, answer });
			}
		};
		await Promise.all(Array.from({ length: SHARES[kind] * AT_ONCE_PER_SHARE }, write));
	};
	try {
		await Promise.all(KINDS.map(writeKind));
	} finally {
		client.close();
	}
	return samples;
}

/** Sends one until it is accepted. @returns the text of the answer */
async function submit(
	urls: Urls,
	submission: Submission,
	client: ReturnType<typeof createHttpClient>,
): Promise<string> {
	const { service, path, body } = submission;
	for (let attempt = 1; ; attempt++) {
		const reply = await client.ask(`${urls[service]}${path}`, { body });
		if (reply.status === 200 || reply.status === 201) return reply.body.toString();
		const isTurnedAway = reply.status === 429 || reply.status === 503;
		if (!isTurnedAway || attempt === ATTEMPTS)
			throw new Error(`${submission.kind} was answered ${reply.status}: ${reply.body.toString().slice(0, 500)}`);
		await sleep(PAUSE_MS * attempt);
	}
}
