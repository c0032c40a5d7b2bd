import { ok, problem, warning } from '@chancery/chassis/checkup';
import { ConfigError } from '@chancery/chassis/config/config';
import { expect, it } from 'vitest';
import { type PlannedCheck, runChecks } from './run-checks.ts';

const check = (name: string, run: PlannedCheck['run'], ...needs: string[]): PlannedCheck => ({
	name,
	service: 'ca',
	needs,
	advice: `mend ${name}`,
	run,
});
const fine = async () => ok('fine');
const verdictsOf = async (...checks: PlannedCheck[]) =>
	(await runChecks(checks, () => undefined)).map(({ check: name, verdict, found }) => `${name} ${verdict}: ${found}`);

it('skips what needs a problem, directly or not, and names the problem alone', async () => {
	const broken = async () => [warning('a', 'b'), problem('broken', 'c')];
	expect(
		await verdictsOf(
			check('one', broken),
			check('two', fine),
			check('three', fine, 'one', 'not in the list'),
			check('four', fine, 'three', 'two'),
			check('five', fine, 'two'),
		),
	).toEqual([
		'one warning: a',
		'one problem: broken',
		'two ok: fine',
		'three skipped: not looked at: first mend one',
		'four skipped: not looked at: first mend one',
		'five ok: fine',
	]);
});

it('is not in the way of what needs a warning', async () => {
	const warned = check('one', async () => warning('old', 'renew it'));
	expect(await verdictsOf(warned, check('two', fine, 'one'))).toEqual(['one warning: old', 'two ok: fine']);
});

it('ends what does not end, and tells it so', async () => {
	let isOver = false;
	const hanging = check('hanging', (signal) => {
		signal.addEventListener('abort', () => {
			isOver = true;
		});
		return new Promise(() => undefined);
	});
	const found = await verdictsOf({ ...hanging, withinMs: 20 }, check('next', fine));
	expect(found).toEqual(['hanging problem: no answer within 0.02 seconds', 'next ok: fine']);
	expect(isOver).toBe(true);
});

it('makes a problem of what is thrown, in one line, with the advice of the check and without credentials', async () => {
	const thrown = [
		new ConfigError('the key of postgres://me:hunter2@db\nis wrong'),
		Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
		new TypeError('x is undefined'),
	];
	const found = await runChecks(
		thrown.map((error, i) => check(`check-${i}`, () => Promise.reject(error))),
		() => undefined,
	);
	expect(found.map(({ verdict, found: words, advice }) => [verdict, words, advice])).toEqual([
		['problem', 'the key of postgres://me:[redacted]@db is wrong', 'mend check-0'],
		['problem', 'connect ECONNREFUSED', 'mend check-1'],
		['problem', 'the check itself failed: TypeError: x is undefined', 'mend check-2'],
	]);
});
