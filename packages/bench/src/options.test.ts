import { SERVER_NAMES } from '@chancery/testkit/peers/peer-table';
import { describe, expect, it } from 'vitest';
import { chooseCells, nameOf } from './cells.ts';
import { parseOptions, UsageError } from './options.ts';
import { usualBackend } from './server/digest-backend.ts';

const cellsOf = (...args: string[]) => chooseCells(parseOptions(args)).map(nameOf);

describe('the cells of the matrix', () => {
	it('are with --quick all workloads and numbers of clients, by the usual backend', () => {
		const cells = cellsOf('--quick');
		expect(cells).toContain(`v1-hashedrekord/1024/${usualBackend()}`);
		expect(cells).toHaveLength(8 * 5);
		expect(cells.every((cell) => cell.endsWith(`/${usualBackend()}`))).toBe(true);
	});

	it('are without it also the other backends, where a digest is all there is', () => {
		const others = cellsOf().filter((cell) => !cell.endsWith(`/${usualBackend()}`));
		expect(others).toContain('v2-hashedrekord/16/noble');
		expect(others.some((cell) => cell.startsWith('v1-dsse'))).toBe(false);
	});

	it.each([
		[['--only', 'v1-dsse/64'], [`v1-dsse/64/${usualBackend()}`]],
		[['--only', 'v1-dsse/3'], [`v1-dsse/3/${usualBackend()}`]],
		[
			['--only', 'v1-dsse,v1-dsse/1', '--clients', '1,2'],
			[`v1-dsse/1/${usualBackend()}`, `v1-dsse/2/${usualBackend()}`],
		],
		[['--only', 'v1-hashedrekord/1/noble'], ['v1-hashedrekord/1/noble']],
	])('are with %j only those', (args, cells) => {
		expect(cellsOf(...args)).toEqual(cells);
	});

	it('hold the workload with certificates only when it is named', () => {
		expect(cellsOf().join()).not.toContain('v1-hashedrekord-certificate');
		expect(cellsOf('--only', 'v1-hashedrekord-certificate/1')).toHaveLength(1);
	});

	it('hold the codes of people, each of which needs a sign-in, only when they are named', () => {
		expect(cellsOf().join()).not.toContain('token/');
		expect(cellsOf('--only', 'token/1')).toHaveLength(1);
	});
});

describe('arguments', () => {
	it.each([
		[['--only', 'v3-hashedrekord']],
		[['--only', 'v1-dsse/x']],
		[['--only', 'v1-dsse/1/quantum']],
		[['--runs', '0']],
		[['--seconds', 'long']],
		[['--against', 'trillian']],
		[['--what']],
	])('%j are refused', (args) => {
		expect(() => parseOptions(args)).toThrow(UsageError);
	});

	it.each([...SERVER_NAMES, 'dex'])('need no program for %s, which is pinned, and may name another', (name) => {
		expect(parseOptions(['--against', name])).toMatchObject({ against: name, bin: undefined });
		expect(parseOptions(['--against', name, '--bin', '/x'])).toMatchObject({ against: name, bin: '/x' });
	});
});
