/**
 * How often codes and secrets may be guessed. Wrong guesses are counted in the database, so that the limits hold for all
 * replicas together. Over a limit the right answer is refused too: otherwise a refusal would tell that a guess was wrong.
 *
 * Guesses that are under way when a limit is reached are not held back: there are at most as many as requests that the
 * replicas work on at once, once per window.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import type { Sql } from '@chancery/postgres/sql';
import { addWrongGuess, countWrongGuesses, type GuessWindow } from '../store/wrong-guesses.ts';

export type Guessed = 'user-code' | 'client-secret' | 'development-secret';

/** Windows begin at multiples of this. Whoever waits for the end of one has two limits within a moment, and then none. */
const WINDOW_MS = 5 * 60 * 1000;

interface Limit {
	/** Wrong guesses in a window from one client address, as `clientOf` of the chassis counts clients. */
	readonly perAddress: number;
	/** Wrong guesses in a window from everywhere. */
	readonly inTotal: number;
	readonly words: string;
}

/**
 * Behind a proxy or a company's gateway all people have one address, so the limit of an address is what a whole company may
 * mistype: one a second. It is still small enough.
 *
 * User codes have 8 of 20 letters (RFC 8628 section 6.1), 2.56e10 in all, and are valid for five minutes, a window. With n
 * codes valid at a time, g guesses hit one with a chance of g * n / 2.56e10: for 300 guesses and 10 codes 1.2e-7 in a window,
 * 3.4e-5 in a day of trying; for 3000 from many addresses and 100 codes 1.2e-5 and 0.3 %. Who hits one can have a stranger's
 * program signed in as himself, or stop it. He does not become the stranger (section 5.1).
 *
 * Secrets are random or at least 16 characters, and no number of guesses finds them. Their limits keep the attempt from being
 * free, and are per client, so that nobody is locked out by guesses at the secret of another.
 */
const LIMITS: Readonly<Record<Guessed, Limit>> = {
	'user-code': { perAddress: 300, inTotal: 3000, words: 'wrong codes' },
	'client-secret': { perAddress: 300, inTotal: 3000, words: 'wrong secrets of this client' },
	'development-secret': { perAddress: 300, inTotal: 3000, words: 'wrong secrets' },
};

export interface GuessDeps {
	readonly database: Sql;
	readonly clock: Clock;
}

export interface Guess {
	readonly what: Guessed;
	/** Whose secret: a client id. Absent where there is one secret, or codes of nobody in particular. */
	readonly of?: string;
	/** Who guesses: `clientOf` of the connection. */
	readonly from: string;
}

/**
 * Call before a code or secret is compared.
 * @throws {DomainError} `too-many-guesses`, with the time until the window ends
 */
export async function refuseTooMany(deps: GuessDeps, guess: Guess): Promise<void> {
	const window = windowOf(deps, guess);
	const { perAddress, inTotal, words } = LIMITS[guess.what];
	const [fromHere = 0, fromAll = 0] = await countWrongGuesses(deps.database, window);
	if (fromHere < perAddress && fromAll < inTotal) return;
	const retryAfterSeconds = Math.ceil((window.windowStart.getTime() + WINDOW_MS - deps.clock()) / 1000);
	const who = fromHere < perAddress ? '' : ' from this network';
	throw new DomainError(
		'too-many-guesses',
		`There were too many ${words}${who}. Try again in ${retryAfterSeconds} seconds.`,
		{ retryAfterSeconds },
	);
}

/** Call when it was wrong. A crash before this forgets one guess. */
export async function countWrongGuess(deps: GuessDeps, guess: Guess): Promise<void> {
	const window = windowOf(deps, guess);
	const endMs = window.windowStart.getTime() + WINDOW_MS;
	await addWrongGuess(deps.database, window, new Date(endMs));
}

/** The counter of the address before the one that all share, so that processes wait for each other at the last moment. */
function windowOf({ clock }: GuessDeps, { what, of, from }: Guess): GuessWindow {
	// Client ids are text of the operator's choice, and a slash separates.
	const all = of === undefined ? what : `${what}/${encodeURIComponent(of)}`;
	const startMs = Math.floor(clock() / WINDOW_MS) * WINDOW_MS;
	return { counters: [`${all}/${from}`, all], windowStart: new Date(startMs) };
}
