/** The campaign itself: faults that are put into a parser are found, said so that they can be repeated, and found again. */
import { toHex, utf8 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { afterAll, describe, expect, it } from 'vitest';
import { MangleFault, runCampaign } from './campaign.ts';
import { formatError, type ParserUnderTest, parser, sameBytes } from './parser-under-test.ts';
import { startWatchdog } from './watchdog.ts';

const watchdog = startWatchdog();
afterAll(() => watchdog.stop());

const VALID = utf8('{"a":"AAAAAAAAAAAA","b":[1,2]}');

function under(parse: (input: Uint8Array) => Uint8Array): ParserUnderTest {
	return parser({ name: 'a parser', seeds: [VALID], refusals: formatError, parse, check: sameBytes });
}

function strict(input: Uint8Array): Uint8Array {
	if (toHex(input) === toHex(VALID)) return input;
	throw new FormatError('test', `not the one input but ${input.length} bytes`);
}

const faultOf = (row: ParserUnderTest, cases = 5000) =>
	runCampaign(row, { seed: 'fixed', cases, watchdog }).then(
		() => 'nothing was found',
		(error: unknown) => {
			if (!(error instanceof MangleFault)) throw error;
			return error.message;
		},
	);

describe('a fault is found', () => {
	it('when another error is thrown than is promised', async () => {
		const fault = await faultOf(
			under((input) => {
				if (input[1] === 0x22 && input.includes(0)) throw new TypeError('undefined is not a function');
				return strict(input);
			}),
		);
		expect(fault).toMatch(/^a parser, case \d+: threw another error than it promises: TypeError/);
		expect(fault).toMatch(/MANGLE_SEED=fixed MANGLE_CASES=\d+ MANGLE_ONLY="a parser"/);
		expect(fault).toContain('"base64":');
	});

	it('when an input is accepted that is written otherwise', async () => {
		const fault = await faultOf(under((input) => (input.length === VALID.length ? VALID : strict(input))));
		expect(fault).toContain('accepted, but written again it has other bytes');
	});

	it('when a case takes longer than a second', async () => {
		const row = under((input) => {
			const until = performance.now() + (input.length > 0 ? 0 : 1100);
			while (performance.now() < until) toHex(VALID);
			return strict(input);
		});
		expect(await faultOf(row)).toMatch(/took \d+ ms/);
	});

	it('when memory is kept', async () => {
		const kept: string[] = [];
		const row = under((input) => {
			kept.push(`${kept.length} ${'x'.repeat(10_000)}`.split('').reverse().join(''));
			return strict(input);
		});
		expect(await faultOf(row)).toMatch(/bytes stay on the heap after 5000 cases/);
	});
});

describe('a seed', () => {
	const inputsOf = async (seed: string) => {
		const inputs: string[] = [];
		const row = under((input) => {
			inputs.push(toHex(input));
			return strict(input);
		});
		await runCampaign(row, { seed, cases: 500, watchdog });
		return inputs;
	};

	it('gives the same cases every time, and another seed gives others', async () => {
		expect(await inputsOf('one')).toEqual(await inputsOf('one'));
		expect(await inputsOf('one')).not.toEqual(await inputsOf('two'));
	});
});
