import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { type AdoptableMarkStore, MarkInUseError, type MarkStore } from '@chancery/postgres/mark/mark';
import { afterAll, describe, expect, it } from 'vitest';
import type { Service } from '../service.ts';
import type { Marks } from '../service-definition.ts';
import { openWithMarks } from './open-with-marks.ts';

const folder = mkdtempSync(join(tmpdir(), 'chancery-open-'));
afterAll(() => rmSync(folder, { recursive: true }));

const paths = { first: join(folder, 'first'), second: join(folder, 'second') };
const definition = {
	openMarks: (): Marks => ({ first: openFileMark(paths.first), second: openFileMark(paths.second) }),
};
const useAll = (marks: Marks) => Promise.all(Object.values(marks).map((mark) => mark.read()));

describe('a service that does not open', () => {
	it('leaves no mark locked, so that it can be opened again in this process', async () => {
		const failing = openWithMarks(definition, {}, async (marks) => {
			await useAll(marks);
			throw new Error('the database is away');
		});
		await expect(failing).rejects.toThrow('the database is away');
		const again = definition.openMarks();
		for (const mark of Object.values(again)) await (await (mark as AdoptableMarkStore).takeAlone!())();
		expect(await useAll(again)).toEqual([undefined, undefined]);
		for (const mark of Object.values(again)) await mark.close?.();
	});

	it('is told by its own error, also when a mark does not close', async () => {
		const mark = {
			close: () => {
				throw new Error('the mark does not close');
			},
		} as unknown as MarkStore;
		const failing = openWithMarks({ openMarks: () => ({ mark }) }, {}, () => Promise.reject(new Error('no key')));
		await expect(failing).rejects.toThrow('no key');
	});
});

it('a service that opens keeps its marks until it closes them', async () => {
	let held: Marks = {};
	await openWithMarks(definition, {}, async (marks) => {
		held = marks;
		await useAll(marks);
		return {} as Service;
	});
	await expect(openFileMark(paths.first).takeAlone!()).rejects.toBeInstanceOf(MarkInUseError);
	for (const mark of Object.values(held)) await mark.close?.();
});
