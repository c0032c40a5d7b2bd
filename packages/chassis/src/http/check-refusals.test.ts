import { CheckError } from '@chancery/keys/checks/check-error';
import { expect, it } from 'vitest';
import { DomainError } from '../domain-error.ts';
import { refuseAsDomainError } from './check-refusals.ts';

const checksThat = (outcome: () => Promise<boolean>) => refuseAsDomainError({ check: outcome });
const caught = (outcome: () => Promise<boolean>) =>
	checksThat(outcome)({ chain: [] as never }).catch((e: unknown) => e);

it('passes on what a signature is worth', async () => {
	expect(await caught(async () => true)).toBe(true);
	expect(await caught(async () => false)).toBe(false);
});

it.each(['overloaded', 'unavailable'] as const)(
	'refuses with the code %s, and says when to come back',
	async (code) => {
		const refused = await caught(() => Promise.reject(new CheckError(code, 'words of the queue', 7)));
		expect(refused).toBeInstanceOf(DomainError);
		expect(refused).toMatchObject({ code, detail: 'words of the queue', retryAfterSeconds: 7 });
	},
);

it('lets a mistake of ours pass unchanged', async () => {
	const mistake = new Error('a mistake');
	expect(await caught(() => Promise.reject(mistake))).toBe(mistake);
});
