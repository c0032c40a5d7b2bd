import { MarkInUseError } from '@chancery/postgres/mark/mark';
import { CommitUnknownError } from '@chancery/postgres/pg-errors';
import { createTestDatabase } from '@chancery/testkit/test-database';
import { expect, it } from 'vitest';
import { DomainError } from '../domain-error.ts';
import { describeStartFailure } from './start-failure.ts';

const describe = (error: unknown) => describeStartFailure(error, undefined);

it('does not repeat the values of a row, which the server sends as detail', async () => {
	const test = await createTestDatabase();
	try {
		await test.database.query('create table account (email text primary key)');
		const insert = () => test.database.query('insert into account values ($1)', ['alice@example.com']);
		await insert();
		const error = await insert().catch((caught: unknown) => caught);
		expect(error).toMatchObject({ code: '23505', detail: expect.stringContaining('alice@example.com') });
		expect(describe(error)).toBeUndefined();
	} finally {
		await test.drop();
	}
});

it('tells a refusal of a domain in its own words', () => {
	expect(describe(new DomainError('unavailable', 'another process has it'))).toMatchObject({
		sentence: 'another process has it',
		exitCode: 1,
	});
});

it('tells in one line that another process has the mark', () => {
	expect(describe(new MarkInUseError('the mark is in use by process 7'))).toMatchObject({
		sentence: 'the mark is in use by process 7',
		exitCode: 1,
	});
});

it('lets a start be repeated whose COMMIT was not answered', () => {
	const error = new CommitUnknownError('the answer to COMMIT did not arrive');
	expect(describe(error)).toEqual({
		sentence: 'the database: the answer to COMMIT did not arrive',
		exitCode: 1,
		fields: { reason: 'CommitUnknownError', code: 'commit-unknown' },
	});
});
