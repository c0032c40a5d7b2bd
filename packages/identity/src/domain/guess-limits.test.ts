import { createTestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cleanExpired } from '../jobs/clean-expired.ts';
import { migrateSchema } from '../store/migrations.ts';
import { countWrongGuess, type Guess, refuseTooMany } from './guess-limits.ts';

const WINDOW_MS = 5 * 60 * 1000;
const START = 1_800_000_000_000;

let test: Awaited<ReturnType<typeof createTestDatabase>>;
let nowMs = START;
const clock = () => nowMs;

beforeAll(async () => {
	test = await createTestDatabase();
	await migrateSchema(test.database);
});

beforeEach(async () => {
	nowMs = START;
	await test.database.query('delete from identity.wrong_guesses');
});

afterAll(async () => {
	await test.drop();
});

const deps = () => ({ database: test.database, clock });
const refused = async (guess: Guess) =>
	refuseTooMany(deps(), guess).then(
		() => undefined,
		(error: unknown) => error,
	);

/** As if so many had been counted. */
const pretend = (counter: string, guesses: number) =>
	test.database.query(
		`insert into identity.wrong_guesses (counter, window_start, guesses, expires_at) values ($1, $2, $3, $4)
		on conflict (counter, window_start) do update set guesses = excluded.guesses`,
		[counter, new Date(START), guesses, new Date(START + WINDOW_MS)],
	);

const here: Guess = { what: 'user-code', from: '192.0.2.1' };
const elsewhere: Guess = { what: 'user-code', from: '2001:db8:1:2::/64' };

describe('guesses', () => {
	it('are refused from an address that has been wrong 300 times, and from no other', async () => {
		await pretend('user-code/192.0.2.1', 299);
		expect(await refused(here)).toBeUndefined();
		await countWrongGuess(deps(), here);
		expect(await refused(here)).toMatchObject({ code: 'too-many-guesses', retryAfterSeconds: 300 });
		expect(await refused(elsewhere)).toBeUndefined();
	});

	it('are refused from everywhere after 3000', async () => {
		await pretend('user-code', 2999);
		expect(await refused(elsewhere)).toBeUndefined();
		await countWrongGuess(deps(), here);
		expect(await refused(elsewhere)).toMatchObject({ code: 'too-many-guesses' });
	});

	it('of one thing are no guesses of another', async () => {
		await pretend('user-code', 3000);
		expect(await refused({ what: 'development-secret', from: here.from })).toBeUndefined();
		await pretend('client-secret/one', 3000);
		expect(await refused({ what: 'client-secret', of: 'one', from: here.from })).toBeDefined();
		expect(await refused({ what: 'client-secret', of: 'two', from: here.from })).toBeUndefined();
	});

	it('at the secret of a client are not counted for one with a similar name', async () => {
		await countWrongGuess(deps(), { what: 'client-secret', of: 'a/192.0.2.1', from: 'x' });
		await test.database.query('update identity.wrong_guesses set guesses = 3000');
		expect(await refused({ what: 'client-secret', of: 'a', from: '192.0.2.1' })).toBeUndefined();
	});

	it('are free again in the next window, whose beginning the refusal names', async () => {
		await pretend('user-code/192.0.2.1', 300);
		nowMs = START + WINDOW_MS - 1500;
		expect(await refused(here)).toMatchObject({ retryAfterSeconds: 2 });
		nowMs = START + WINDOW_MS;
		expect(await refused(here)).toBeUndefined();
		expect(await cleanExpired(deps())).toBe(1);
	});

	it('are all counted when they come at once', async () => {
		await Promise.all(
			Array.from({ length: 40 }, (_, i) => countWrongGuess(deps(), { what: 'user-code', from: `192.0.2.${i % 4}` })),
		);
		const rows = await test.database.query<{ counter: string; guesses: number }>(
			'select counter, guesses from identity.wrong_guesses order by counter',
		);
		expect(rows.map(({ guesses }) => guesses)).toEqual([40, 10, 10, 10, 10]);
	});
});
