/** Wrong guesses of codes and secrets, counted per window of time for all replicas together. */
import type { Sql } from '@chancery/postgres/sql';

/** One row of the table: what is counted, in which window. */
export interface GuessWindow {
	readonly counters: readonly string[];
	readonly windowStart: Date;
}

/** Adds one to each counter. The counters are in the order in which all processes lock them. */
export async function addWrongGuess(sql: Sql, { counters, windowStart }: GuessWindow, expiresAt: Date): Promise<void> {
	await sql.query(
		`insert into identity.wrong_guesses as stored (counter, window_start, guesses, expires_at)
		select counter, $2, 1, $3 from unnest($1::text[]) with ordinality as given (counter, place) order by place
		on conflict (counter, window_start) do update set guesses = stored.guesses + 1`,
		[counters, windowStart, expiresAt],
	);
}

/** How many there were, in the order of the counters. */
export async function countWrongGuesses(sql: Sql, { counters, windowStart }: GuessWindow): Promise<number[]> {
	const rows = await sql.query<{ counter: string; guesses: number }>(
		'select counter, guesses from identity.wrong_guesses where counter = any($1) and window_start = $2',
		[counters, windowStart],
	);
	const found = new Map(rows.map(({ counter, guesses }) => [counter, guesses]));
	return counters.map((counter) => found.get(counter) ?? 0);
}
